/// A growing buffer in Postgres' wire order (big-endian), written without a bounds check per byte.
///
/// Owned by one connection or one COPY; frees its memory when it goes.
struct WireBuffer: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    @inline(__always)
    mutating func append<T: FixedWidthInteger>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Overwrites the four bytes at `offset`: a length that was not known when its place was reserved.
    mutating func patch(_ value: Int32, at offset: Int) {
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Int32.self)
    }

    /// A one-dimensional array with nulls, in the form of `array_recv`.
    mutating func appendArray<T>(
        _ items: [T?], of type: UInt32, _ encode: (T, inout WireBuffer) -> Void
    ) {
        append(Int32(items.isEmpty ? 0 : 1))
        append(Int32(items.contains { $0 == nil } ? 1 : 0))
        append(type)
        guard !items.isEmpty else { return }
        append(Int32(items.count))
        append(Int32(1))
        for item in items {
            guard let item else {
                append(Int32(-1))
                continue
            }
            let start = count
            append(Int32(0))
            encode(item, &self)
            patch(Int32(count - start - 4), at: start)
        }
    }

    /// An array of eight-byte values without nulls: the bulk of what history writes.
    @inline(__always)
    mutating func appendArray8<C: Collection<Int64>>(_ items: C, of type: UInt32) {
        let n = items.count
        append(Int32(n == 0 ? 0 : 1))
        append(Int32(0))
        append(type)
        guard n > 0 else { return }
        append(Int32(n))
        append(Int32(1))
        reserve(n * 12)
        var place = base + count
        for item in items {
            place.storeBytes(of: Int32(8).bigEndian, as: Int32.self)
            place.storeBytes(of: item.bigEndian, toByteOffset: 4, as: Int64.self)
            place += 12
        }
        count += n * 12
    }
}
