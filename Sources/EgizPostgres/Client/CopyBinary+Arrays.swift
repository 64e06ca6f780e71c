/// Arrays without nulls, of the types that history's compact forms have.
extension CopyBinary {
    /// int2[]
    mutating func int16s(_ items: [Int16]) { array(items, of: PostgresType.int2) }

    /// int4[]
    mutating func int32s(_ items: [Int32]) { array(items, of: PostgresType.int4) }

    /// "char"[]
    mutating func int8s(_ items: [Int8]) { array(items, of: PostgresType.char) }

    /// float8[] with nulls.
    mutating func doubles(_ items: [Double?]) {
        let start = wire.count
        wire.append(Int32(0))
        wire.appendArray(items, of: PostgresType.float8) { $1.append($0.bitPattern) }
        wire.patch(Int32(clamping: wire.count - start - 4), at: start)
    }

    private mutating func array<T: FixedWidthInteger>(_ items: [T], of type: UInt32) {
        let width = MemoryLayout<T>.size
        wire.append(Int32(items.isEmpty ? 12 : 20 + items.count * (4 + width)))
        wire.appendArray(fixed: items, of: type)
    }
}

extension WireBuffer {
    /// An array of integers of one width without nulls, in the form of `array_recv`.
    mutating func appendArray<T: FixedWidthInteger>(fixed items: [T], of type: UInt32) {
        append(Int32(items.isEmpty ? 0 : 1))
        append(Int32(0))
        append(type)
        guard !items.isEmpty else { return }
        append(Int32(items.count))
        append(Int32(1))
        reserve(items.count * (4 + MemoryLayout<T>.size))
        let width = Int32(MemoryLayout<T>.size)
        for item in items {
            append(width)
            append(item)
        }
    }
}
