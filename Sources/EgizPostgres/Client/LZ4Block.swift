import CLZ4

/// Compression of one block of bytes in memory. The length must be kept beside it.
enum LZ4Block {
    /// LZ4 never expands a byte to more than this many: a length beyond it is a lie.
    private static let mostExpansion = 255

    /// The compressed bytes; nil where they would not be fewer.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        // What LZ4 can take (LZ4_MAX_INPUT_SIZE), and what is worth the call.
        guard bytes.count > 1, bytes.count <= 0x7E00_0000 else { return nil }
        let capacity = bytes.count - 1
        let result = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            let written = bytes.withUnsafeBytes { source in
                LZ4_compress_default(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(source.count), Int32(capacity))
            }
            count = Int(max(0, written))
        }
        return result.isEmpty ? nil : result
    }

    /// The `count` bytes (at least one) that were compressed; nil where the bytes are not of that making. Takes no more memory than LZ4 could
    /// have packed into them, whatever `count` says.
    static func decompress(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
        guard count > 0, count <= bytes.count * mostExpansion, bytes.count <= Int(Int32.max), count <= Int(Int32.max)
        else { return nil }
        let result = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            let read = bytes.withUnsafeBytes { source in
                LZ4_decompress_safe(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(source.count), Int32(count))
            }
            initialized = Int(max(0, read))
        }
        return result.count == count ? result : nil
    }
}
