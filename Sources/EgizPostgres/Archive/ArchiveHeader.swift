import EgizCore

/// What a state file begins with: whose state it is, and how much.
struct ArchiveHeader: Sendable, Equatable {
    static let magic = Array("EGIZ-STATE\n".utf8)
    /// The one that is written; 1 is read as well.
    static let newest: UInt8 = 2

    var version = newest
    var shape: StateShape
    /// Microseconds since 1970: the moment the state is of.
    var time: Int64
    /// Rows by table, in the order of `tables`.
    var rows: [Int]

    /// What the file holds.
    var tables: [ArchiveTable] { ArchiveTable.tables(of: version) }

    func encode() -> [UInt8] {
        var writer = StateWriter()
        writer.write(version)
        writer.write(time)
        writer.write(shape.topology)
        writer.write(count: shape.stages.count)
        for stage in shape.stages {
            writer.write(stage.name.source)
            writer.write(Int64(stage.partitions))
            writer.write(count: stage.processors.count)
            for processor in stage.processors {
                writer.write(processor.name)
                writer.write(processor.kind)
                writer.write(processor.stateVersion != nil)
                writer.write(processor.stateVersion ?? 0)
            }
        }
        writer.write(count: rows.count)
        for count in rows { writer.write(Int64(count)) }
        return writer.bytes
    }

    init(shape: StateShape, time: Int64, rows: [Int]) {
        self.shape = shape
        self.time = time
        self.rows = rows
    }

    init(_ bytes: [UInt8]) throws(StateFault) {
        var reader = StateReader(bytes)
        version = try reader.byte()
        guard version <= Self.newest else {
            throw StateFault("has version \(version), this program reads up to \(Self.newest): use the newer one")
        }
        time = try reader.int64()
        shape = StateShape(topology: try reader.text(), stages: [])
        for _ in 0..<(try reader.count()) {
            let name = StageName(topology: shape.topology, source: try reader.text())
            var stage = StateShape.Stage(
                name: name, partitions: Int32(clamping: try reader.int64()), processors: [])
            for _ in 0..<(try reader.count()) {
                var processor = StateShape.Processor(name: try reader.text(), kind: try reader.text())
                let hasVersion = try reader.bool()
                let version = try reader.byte()
                if hasVersion { processor.stateVersion = version }
                stage.processors.append(processor)
            }
            shape.stages.append(stage)
        }
        rows = []
        for _ in 0..<(try reader.count()) { rows.append(Int(clamping: try reader.int64())) }
        guard reader.isAtEnd, rows.count == tables.count else { throw StateFault("has another header") }
    }
}
