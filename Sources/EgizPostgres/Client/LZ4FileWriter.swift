import CLZ4
import EgizCore
import Glibc

/// Writes one LZ4 file (`lz4 -d` reads it) in blocks of 1 MiB with checksums. The file has its name only when it is whole.
/// Confined to one thread.
final class LZ4FileWriter {
    private static let block = 1 << 20

    private let path: String
    private var file: Int32
    private var context: OpaquePointer?
    private var preferences = LZ4F_preferences_t()
    private var waiting: [UInt8] = []
    private var packed: [UInt8]
    /// Bytes in the file so far.
    private(set) var written = 0

    /// Errors: `.state`/`.stop` where the file cannot be made.
    init(path: String) throws(EngineError) {
        self.path = path
        preferences.frameInfo.blockSizeID = LZ4F_max1MB
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled
        packed = [UInt8](repeating: 0, count: LZ4F_compressBound(Self.block, &preferences) + 64)
        file = open(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("create", path) }
        guard LZ4F_isError(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw EngineError(.state, .stop, "no memory to compress \(path)")
        }
        try put(packed.withUnsafeMutableBytes { LZ4F_compressBegin(context, $0.baseAddress, $0.count, &preferences) })
    }

    deinit {
        LZ4F_freeCompressionContext(context)
        guard file >= 0 else { return }
        close(file)
        unlink(path + ".partial")
    }

    func write(_ bytes: [UInt8]) throws(EngineError) {
        waiting.append(contentsOf: bytes)
        var start = 0
        while waiting.count - start >= Self.block {
            try compress(start..<(start + Self.block))
            start += Self.block
        }
        if start > 0 { waiting.removeFirst(start) }
    }

    /// Ends the file and gives it its name.
    func finish() throws(EngineError) {
        try compress(waiting.indices)
        waiting = []
        try put(packed.withUnsafeMutableBytes { LZ4F_compressEnd(context, $0.baseAddress, $0.count, nil) })
        guard fsync(file) == 0, close(file) == 0 else { throw Self.failure("write", path) }
        file = -1
        guard rename(path + ".partial", path) == 0 else { throw Self.failure("name", path) }
    }

    private func compress(_ range: Range<Int>) throws(EngineError) {
        guard !range.isEmpty else { return }
        let count = waiting.withUnsafeBytes { source in
            packed.withUnsafeMutableBytes { target in
                LZ4F_compressUpdate(
                    context, target.baseAddress, target.count, source.baseAddress.map { $0 + range.lowerBound },
                    range.count, nil)
            }
        }
        try put(count)
    }

    /// Writes the first `count` bytes of `packed`, or throws the error code that `count` is.
    private func put(_ count: Int) throws(EngineError) {
        guard LZ4F_isError(count) == 0 else {
            throw EngineError(.bug, .stop, "LZ4 refused to compress: \(String(cString: LZ4F_getErrorName(count)))")
        }
        var start = 0
        while start < count {
            let done = packed.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + start }, count - start) }
            if done < 0, errno == EINTR { continue }
            guard done > 0 else { throw Self.failure("write", path) }
            start += done
        }
        written += count
    }

    static func failure(_ verb: String, _ path: String) -> EngineError {
        EngineError(.state, .stop, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
