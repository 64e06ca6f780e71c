/// Object ids of the built-in types that cross the wire in binary form, and the two epochs.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let jsonb: UInt32 = 3802

    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int8Array: UInt32 = 1016
    static let textArray: UInt32 = 1009
    static let float8Array: UInt32 = 1022
    static let timestamptzArray: UInt32 = 1185

    /// 2000-01-01, Postgres' epoch, in microseconds since 1970.
    static let epoch: Int64 = 946_684_800_000_000

    /// What a timestamp can hold (`MIN_TIMESTAMP`, `END_TIMESTAMP` of Postgres' datatype/timestamp.h), in its own count.
    private static let earliest: Int64 = -211_813_488_000_000_000
    private static let end: Int64 = 9_223_371_331_200_000_000

    /// Microseconds since 1970 as Postgres counts them. What a timestamp cannot hold becomes -infinity or infinity: payloads
    /// and producers may name any year, and must not stop a stage with 22008.
    static func wire(_ microseconds: Int64) -> Int64 {
        let (value, overflow) = microseconds.subtractingReportingOverflow(epoch)
        if overflow || value < earliest { return .min }
        return value >= end ? .max : value
    }

    /// Postgres' count as microseconds since 1970; `infinity` stays the largest value.
    static func unix(_ wire: Int64) -> Int64 {
        if wire == .min { return .min }
        let (value, overflow) = wire.addingReportingOverflow(epoch)
        return overflow ? .max : value
    }
}
