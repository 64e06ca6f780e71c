/// Arrays of one width without nulls, read at memory speed: history's columns.
extension PostgresRow {
    /// int2[]; nil for NULL and for an array with nulls.
    func int16s(_ column: Int) -> [Int16]? { fixed(column, as: Int16.self) }

    /// int4[]
    func int32s(_ column: Int) -> [Int32]? { fixed(column, as: Int32.self) }

    /// "char"[]
    func int8s(_ column: Int) -> [Int8]? { fixed(column, as: Int8.self) }

    /// float8[]
    func doubles(_ column: Int) -> [Double]? {
        withBytes(column) { bytes in
            guard let bytes, let count = Self.count(bytes, width: 8) else { return nil }
            return [Double](unsafeUninitializedCapacity: count) { buffer, written in
                for i in 0..<count {
                    let bits = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24 + i * 12, as: UInt64.self))
                    buffer.initializeElement(at: i, to: Double(bitPattern: bits))
                }
                written = count
            }
        }
    }

    /// timestamptz[] in microseconds since 1970.
    func times(_ column: Int) -> [Int64]? {
        withBytes(column) { bytes in
            guard let bytes, let count = Self.count(bytes, width: 8) else { return nil }
            return [Int64](unsafeUninitializedCapacity: count) { buffer, written in
                for i in 0..<count {
                    let wire = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24 + i * 12, as: Int64.self))
                    buffer.initializeElement(at: i, to: PostgresType.unix(wire))
                }
                written = count
            }
        }
    }

    private func fixed<T: FixedWidthInteger>(_ column: Int, as type: T.Type) -> [T]? {
        withBytes(column) { bytes in
            let width = MemoryLayout<T>.size
            guard let bytes, let count = Self.count(bytes, width: width) else { return nil }
            return [T](unsafeUninitializedCapacity: count) { buffer, written in
                for i in 0..<count {
                    let item = bytes.loadUnaligned(fromByteOffset: 24 + i * (4 + width), as: T.self)
                    buffer.initializeElement(at: i, to: T(bigEndian: item))
                }
                written = count
            }
        }
    }

    /// The number of elements of an `array_send` whose elements all have that width; nil where it is anything else.
    private static func count(_ bytes: UnsafeRawBufferPointer, width: Int) -> Int? {
        guard let dimensions = WireReader.load(bytes, 0, as: Int32.self) else { return nil }
        if dimensions == 0 { return 0 }
        guard dimensions == 1, WireReader.load(bytes, 4, as: Int32.self) == 0,
            let count = WireReader.load(bytes, 12, as: Int32.self), count >= 0,
            bytes.count == 20 + Int(count) * (4 + width)
        else { return nil }
        return Int(count)
    }
}
