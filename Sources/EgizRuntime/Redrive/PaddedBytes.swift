/// Bytes of our own with room behind them: simdjson may look at 64 bytes beyond the end.
enum PaddedBytes {
    /// Calls `body` with a copy of the bytes; nil stays nil. Do not keep the pointer.
    static func with<R, E: Error>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(E) -> R
    ) throws(E) -> R {
        guard let bytes else { return try body(nil) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 64, alignment: 8)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        buffer.copyBytes(from: bytes)
        return try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<bytes.count]))
    }
}
