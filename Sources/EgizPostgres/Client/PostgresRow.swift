import CPQ

/// One row. Every accessor gives nil for NULL, and for a value that the column's type cannot be read as.
///
/// Columns are counted from 0, in the order of the select list.
public struct PostgresRow {
    let rows: PostgresRows
    let index: Int32

    public func isNull(_ column: Int) -> Bool { PQgetisnull(rows.result, index, Int32(column)) == 1 }

    /// Calls `body` with the value's bytes as they lie in libpq's memory; nil for NULL. Do not keep the pointer.
    public func withBytes<T, E: Error>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws(E) -> T) throws(E) -> T {
        precondition(column >= 0 && column < rows.columnCount, "column \(column) of \(rows.columnCount)")
        guard !isNull(column), let value = PQgetvalue(rows.result, index, Int32(column)) else { return try body(nil) }
        return try body(
            UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(rows.result, index, Int32(column)))))
    }

    /// bytea, or the bytes of any text-like type; NUL-safe.
    public func bytes(_ column: Int) -> [UInt8]? {
        withBytes(column) { bytes in
            bytes.map {
                [UInt8](
                    rows.types[column] == PostgresType.jsonb ? UnsafeRawBufferPointer(rebasing: $0.dropFirst()) : $0)
            }
        }
    }

    /// text, varchar, name, json, jsonb.
    public func text(_ column: Int) -> String? {
        withBytes(column) { bytes in
            guard let bytes else { return nil }
            // The binary form of jsonb is a version byte and the text.
            let skipped = rows.types[column] == PostgresType.jsonb ? 1 : 0
            return String(decoding: bytes.dropFirst(skipped), as: UTF8.self)
        }
    }

    /// int2, int4, int8, oid; a numeric or float8 with an integral value.
    public func int64(_ column: Int) -> Int64? {
        withBytes(column) { bytes in
            guard let bytes else { return nil }
            switch rows.types[column] {
            case PostgresType.int8: return WireReader.load(bytes, 0, as: Int64.self)
            case PostgresType.int4: return WireReader.load(bytes, 0, as: Int32.self).map(Int64.init)
            case PostgresType.int2: return WireReader.load(bytes, 0, as: Int16.self).map(Int64.init)
            case PostgresType.oid: return WireReader.load(bytes, 0, as: UInt32.self).map(Int64.init)
            case PostgresType.numeric: return WireReader.numeric(bytes).flatMap(Int64.init(exactly:))
            case PostgresType.float8:
                return WireReader.load(bytes, 0, as: UInt64.self).flatMap { Int64(exactly: Double(bitPattern: $0)) }
            default: return nil
            }
        }
    }

    /// float8, float4, the integers, numeric (rounded to the nearest double or one beside it).
    public func double(_ column: Int) -> Double? {
        withBytes(column) { bytes in
            guard let bytes else { return nil }
            switch rows.types[column] {
            case PostgresType.float8: return WireReader.load(bytes, 0, as: UInt64.self).map(Double.init(bitPattern:))
            case PostgresType.float4:
                return WireReader.load(bytes, 0, as: UInt32.self).map { Double(Float(bitPattern: $0)) }
            case PostgresType.numeric: return WireReader.numeric(bytes)
            default: return int64(column).map(Double.init)
            }
        }
    }

    public func bool(_ column: Int) -> Bool? {
        withBytes(column) { bytes in bytes.flatMap { $0.count == 1 ? $0[0] != 0 : nil } }
    }

    /// timestamptz in microseconds since 1970; infinity is the largest or smallest value.
    public func timestamp(_ column: Int) -> Int64? {
        withBytes(column) { bytes in
            bytes.flatMap { WireReader.load($0, 0, as: Int64.self) }.map(PostgresType.unix)
        }
    }

    // MARK: Arrays

    public func textArray(_ column: Int) -> [String?]? {
        array(column) { String(decoding: $0, as: UTF8.self) }
    }

    public func int64Array(_ column: Int) -> [Int64?]? {
        array(column) { bytes in
            switch bytes.count {
            case 8: WireReader.load(bytes, 0, as: Int64.self)
            case 4: WireReader.load(bytes, 0, as: Int32.self).map(Int64.init)
            case 2: WireReader.load(bytes, 0, as: Int16.self).map(Int64.init)
            default: nil
            }
        }
    }

    public func doubleArray(_ column: Int) -> [Double?]? {
        array(column) { WireReader.load($0, 0, as: UInt64.self).map(Double.init(bitPattern:)) }
    }

    /// timestamptz[] in microseconds since 1970.
    public func timestampArray(_ column: Int) -> [Int64?]? {
        array(column) { WireReader.load($0, 0, as: Int64.self).map(PostgresType.unix) }
    }

    private func array<T>(_ column: Int, _ decode: (UnsafeRawBufferPointer) -> T?) -> [T?]? {
        withBytes(column) { bytes in bytes.flatMap { WireReader.array($0, decode) } }
    }
}
