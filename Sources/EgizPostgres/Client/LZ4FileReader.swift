import CLZ4
import EgizCore
import Glibc

/// Reads what `LZ4FileWriter` wrote, a piece at a time. Confined to one thread.
final class LZ4FileReader {
    private static let chunk = 256 << 10

    private let path: String
    private let file: Int32
    private var context: OpaquePointer?
    private var packed = [UInt8](repeating: 0, count: chunk)
    private var packedRange = 0..<0
    private var ready: [UInt8] = []
    private var readyStart = 0
    /// The frame is over and its checksum held.
    private(set) var isComplete = false

    /// Errors: `.state`/`.stop` where the file cannot be opened.
    init(path: String) throws(EngineError) {
        self.path = path
        file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw LZ4FileWriter.failure("open", path) }
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw EngineError(.state, .stop, "no memory to decompress \(path)")
        }
    }

    deinit {
        LZ4F_freeDecompressionContext(context)
        if file >= 0 { close(file) }
    }

    /// The next `count` bytes. Errors: `.state`/`.stop` where the file ends before or is damaged.
    func read(_ count: Int) throws(EngineError) -> [UInt8] {
        while ready.count - readyStart < count { try decompress() }
        defer {
            readyStart += count
            if readyStart >= Self.chunk * 4 || readyStart == ready.count {
                ready.removeFirst(readyStart)
                readyStart = 0
            }
        }
        return Array(ready[readyStart..<(readyStart + count)])
    }

    /// Reads to the end of the frame, where its checksum is compared. Errors: as `read`, and where there is more.
    func finish() throws(EngineError) {
        while !isComplete, ready.count == readyStart { try decompress() }
        guard ready.count == readyStart, packedRange.isEmpty else {
            throw EngineError(.state, .stop, "\(path) goes on after its end: it is no state file, or damaged")
        }
    }

    private func decompress() throws(EngineError) {
        guard !isComplete else { throw damaged("it ends too early") }
        if packedRange.isEmpty { try fill() }
        var consumed = packedRange.count
        var produced = Self.chunk
        let start = ready.count
        ready.append(contentsOf: repeatElement(0, count: produced))
        let hint = packed.withUnsafeBytes { source in
            ready.withUnsafeMutableBytes { target in
                LZ4F_decompress(
                    context, target.baseAddress.map { $0 + start }, &produced,
                    source.baseAddress.map { $0 + packedRange.lowerBound }, &consumed, nil)
            }
        }
        guard LZ4F_isError(hint) == 0 else {
            ready.removeLast(ready.count - start)
            throw damaged(String(cString: LZ4F_getErrorName(hint)))
        }
        ready.removeLast(ready.count - start - produced)
        packedRange = (packedRange.lowerBound + consumed)..<packedRange.upperBound
        isComplete = hint == 0
    }

    private func fill() throws(EngineError) {
        while true {
            let count = packed.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LZ4FileWriter.failure("read", path) }
            guard count > 0 else { throw damaged("it ends too early") }
            packedRange = 0..<count
            return
        }
    }

    private func damaged(_ reason: String) -> EngineError {
        EngineError(.state, .stop, "\(path) is damaged or no state file: \(reason)")
    }
}
