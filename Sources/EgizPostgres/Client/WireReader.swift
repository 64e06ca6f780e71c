/// Reads values of Postgres' binary form; nil where the bytes are too short for what they claim to be.
enum WireReader {
    @inline(__always)
    static func load<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ offset: Int, as type: T.Type) -> T? {
        guard offset + MemoryLayout<T>.size <= bytes.count else { return nil }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// A one-dimensional array, as `array_send` writes it.
    static func array<T>(_ bytes: UnsafeRawBufferPointer, _ decode: (UnsafeRawBufferPointer) -> T?) -> [T?]? {
        guard let dimensions = load(bytes, 0, as: Int32.self), dimensions <= 1 else { return nil }
        guard dimensions == 1 else { return [] }
        guard let count = load(bytes, 12, as: Int32.self), count >= 0 else { return nil }
        var items: [T?] = []
        items.reserveCapacity(Int(count))
        var offset = 20
        for _ in 0..<count {
            guard let length = load(bytes, offset, as: Int32.self) else { return nil }
            offset += 4
            guard length >= 0 else {
                items.append(nil)
                continue
            }
            guard offset + Int(length) <= bytes.count else { return nil }
            items.append(decode(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)])))
            offset += Int(length)
        }
        return items
    }

    /// `numeric_send`: number of base-10000 digits, weight of the first, sign, scale, digits.
    static func numeric(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard let count = load(bytes, 0, as: Int16.self), let weight = load(bytes, 2, as: Int16.self),
            let sign = load(bytes, 4, as: UInt16.self)
        else { return nil }
        switch sign {
        case 0xC000: return .nan
        case 0xD000: return .infinity
        case 0xF000: return -.infinity
        default: break
        }
        // Through the decimal text, so that the rounding is the standard library's and not a sum of our own.
        var text = sign == 0x4000 ? "-" : ""
        for index in 0..<Int(count) {
            guard let digit = load(bytes, 8 + index * 2, as: UInt16.self) else { return nil }
            let padded = String(digit)
            text += index == 0 ? padded : String(repeating: "0", count: max(0, 4 - padded.count)) + padded
        }
        if count == 0 { text += "0" }
        return Double(text + "e\((Int(weight) - Int(count) + 1) * 4)")
    }
}
