/// One parameter of a statement, sent in binary form with its type.
///
/// Text must not contain U+0000 (the server answers SQLSTATE 22021); times are microseconds since 1970 UTC.
/// Cast in SQL where a column has another type: `$1::json`, `$2::int4[]`.
public enum PostgresValue: Sendable {
    case null
    case text(String)
    case int64(Int64)
    case double(Double)
    case bool(Bool)
    case bytes([UInt8])
    case timestamp(microseconds: Int64)
    case textArray([String?])
    case int64Array([Int64?])
    case doubleArray([Double?])
    case boolArray([Bool?])
    case bytesArray([[UInt8]?])
    case timestampArray([Int64?])

    /// A text, or null for nil.
    public static func optional(_ text: String?) -> Self { text.map { .text($0) } ?? .null }
    /// An integer, or null for nil.
    public static func optional(_ value: Int64?) -> Self { value.map { .int64($0) } ?? .null }
    /// A time, or null for nil.
    public static func optional(microseconds: Int64?) -> Self {
        microseconds.map { .timestamp(microseconds: $0) } ?? .null
    }

    /// 0 lets the server infer the type, which is right for null alone.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .text: PostgresType.text
        case .int64: PostgresType.int8
        case .double: PostgresType.float8
        case .bool: PostgresType.bool
        case .bytes: PostgresType.bytea
        case .timestamp: PostgresType.timestamptz
        case .textArray: PostgresType.textArray
        case .int64Array: PostgresType.int8Array
        case .doubleArray: PostgresType.float8Array
        case .boolArray: PostgresType.boolArray
        case .bytesArray: PostgresType.byteaArray
        case .timestampArray: PostgresType.timestamptzArray
        }
    }

    var isNull: Bool { if case .null = self { true } else { false } }

    /// Appends the value's binary form, without a length.
    func encode(into wire: inout WireBuffer) {
        switch self {
        case .null: break
        case .text(let text): wire.append(utf8: text)
        case .int64(let value): wire.append(value)
        case .double(let value): wire.append(value.bitPattern)
        case .bool(let value): wire.append(UInt8(value ? 1 : 0))
        case .bytes(let bytes): wire.append(bytes)
        case .timestamp(let microseconds): wire.append(PostgresType.wire(microseconds))
        case .textArray(let items):
            wire.appendArray(items, of: PostgresType.text) { $1.append(utf8: $0) }
        case .int64Array(let items):
            wire.appendArray(items, of: PostgresType.int8) { $1.append($0) }
        case .doubleArray(let items):
            wire.appendArray(items, of: PostgresType.float8) { $1.append($0.bitPattern) }
        case .boolArray(let items):
            wire.appendArray(items, of: PostgresType.bool) { $1.append(UInt8($0 ? 1 : 0)) }
        case .bytesArray(let items):
            wire.appendArray(items, of: PostgresType.bytea) { $1.append($0) }
        case .timestampArray(let items):
            wire.appendArray(items, of: PostgresType.timestamptz) { $1.append(PostgresType.wire($0)) }
        }
    }
}
