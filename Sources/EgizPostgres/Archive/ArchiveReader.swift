import EgizCore

/// Reads a state file record by record. Every error says which file.
final class ArchiveReader {
    /// A row of Postgres has at most 1 GiB; more is damage.
    private static let mostBytes = 1 << 30

    private let path: String
    private let file: LZ4FileReader
    let header: ArchiveHeader
    private var tag: UInt8 = 0
    private var length = 0
    private var hasHead = false

    init(path: String) throws(EngineError) {
        self.path = path
        file = try LZ4FileReader(path: path)
        guard try file.read(ArchiveHeader.magic.count) == ArchiveHeader.magic else {
            throw EngineError(.state, .stop, "\(path) is no state file of egiz")
        }
        let head = try file.read(5)
        let count = Self.length(head)
        guard head[0] == UInt8(ascii: "H"), count < 1 << 20 else {
            throw EngineError(.state, .stop, "\(path) is no state file of egiz: it has no header")
        }
        let bytes = try file.read(count)
        do throws(StateFault) {
            header = try ArchiveHeader(bytes)
        } catch {
            throw EngineError(.state, .stop, "the state file \(path) \(error.message)")
        }
    }

    /// The columns of the next row of that table; nil where its rows are over.
    func next(of table: ArchiveTable) throws(EngineError) -> [[UInt8]?]? {
        try readHead()
        guard tag == table.tag else { return nil }
        hasHead = false
        var reader = StateReader(try file.read(length))
        var columns: [[UInt8]?] = []
        do throws(StateFault) {
            for _ in table.columns { columns.append(try reader.bool() ? Array(try reader.data()) : nil) }
            guard reader.isAtEnd else { throw StateFault("it has more columns") }
        } catch {
            throw EngineError(
                .state, .stop, "the state file \(path) has a broken row of \(table.name): \(error.message)")
        }
        return columns
    }

    /// To be called after the last table: the file must end here, whole.
    func finish() throws(EngineError) {
        try readHead()
        guard tag == UInt8(ascii: "E"), length == 0 else {
            throw EngineError(.state, .stop, "the state file \(path) has rows that this program does not know")
        }
        try file.finish()
    }

    private func readHead() throws(EngineError) {
        guard !hasHead else { return }
        let head = try file.read(5)
        tag = head[0]
        length = Self.length(head)
        guard length <= Self.mostBytes else {
            throw EngineError(.state, .stop, "the state file \(path) is damaged: a row of \(length) bytes")
        }
        hasHead = true
    }

    private static func length(_ head: [UInt8]) -> Int {
        head[1...].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
