import CPQ
public import EgizCore

/// Writes rows in Postgres' binary COPY format, in chunks of about 256 KiB.
///
/// Widths must match the columns exactly (`int32` for int4, `int64` for int8): the server notices only at the end.
/// Used inside `PostgresConnection.copyIn`, on its thread.
public struct CopyBinary: ~Copyable {
    static let sendFailed = "copy-send"
    private static let chunk = 256 << 10

    private let connection: OpaquePointer?
    private let isDiscarding: Bool
    var wire = WireBuffer(capacity: CopyBinary.chunk + 64 << 10)
    /// Rows begun so far.
    public private(set) var rows = 0

    init(connection: OpaquePointer?) { self.init(connection, isDiscarding: false) }

    /// Rows that are encoded and sent nowhere: for counting what encoding costs.
    public static func discarding() -> CopyBinary { CopyBinary(nil, isDiscarding: true) }

    private init(_ connection: OpaquePointer?, isDiscarding: Bool) {
        self.connection = connection
        self.isDiscarding = isDiscarding
        // Signature, flags, length of the header extension.
        wire.append([0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00])
        wire.append(Int32(0))
        wire.append(Int32(0))
    }

    /// Begins a row of that many columns; sends what has gathered.
    public mutating func row(columns: Int16) throws(EngineError) {
        if wire.count >= Self.chunk { try flush() }
        wire.append(columns)
        rows += 1
    }

    public mutating func null() { wire.append(Int32(-1)) }

    public mutating func int64(_ value: Int64) {
        wire.append(Int32(8))
        wire.append(value)
    }

    public mutating func int32(_ value: Int32) {
        wire.append(Int32(4))
        wire.append(value)
    }

    public mutating func int16(_ value: Int16) {
        wire.append(Int32(2))
        wire.append(value)
    }

    public mutating func double(_ value: Double) {
        wire.append(Int32(8))
        wire.append(value.bitPattern)
    }

    public mutating func bool(_ value: Bool) {
        wire.append(Int32(1))
        wire.append(UInt8(value ? 1 : 0))
    }

    /// timestamptz, from microseconds since 1970.
    public mutating func timestamp(microseconds: Int64) {
        wire.append(Int32(8))
        wire.append(PostgresType.wire(microseconds))
    }

    /// text, json and other types whose binary form is their text.
    public mutating func text(_ text: String) {
        sized { $0.append(utf8: text) }
    }

    public mutating func bytes(_ bytes: [UInt8]) {
        wire.append(Int32(clamping: bytes.count))
        wire.append(bytes)
    }

    /// timestamptz[], from microseconds since 1970.
    public mutating func timestamps(_ times: ArraySlice<Int64>) {
        wire.append(Int32(times.isEmpty ? 12 : 20 + times.count * 12))
        wire.appendArray8(times.lazy.map(PostgresType.wire), of: PostgresType.timestamptz)
    }

    /// float8[] without nulls.
    public mutating func doubles(_ numbers: ArraySlice<Double>) {
        wire.append(Int32(numbers.isEmpty ? 12 : 20 + numbers.count * 12))
        wire.appendArray8(
            numbers.lazy.map { Int64(bitPattern: $0.bitPattern) }, of: PostgresType.float8)
    }

    /// text[] with nulls.
    public mutating func texts(_ texts: ArraySlice<String?>) {
        sized { $0.appendArray(Array(texts), of: PostgresType.text) { $1.append(utf8: $0) } }
    }

    private mutating func sized(_ body: (inout WireBuffer) -> Void) {
        let start = wire.count
        wire.append(Int32(0))
        body(&wire)
        wire.patch(Int32(clamping: wire.count - start - 4), at: start)
    }

    mutating func finish() throws(EngineError) {
        wire.append(Int16(-1))
        try flush()
    }

    private mutating func flush() throws(EngineError) {
        guard !isDiscarding else {
            wire.removeAll()
            return
        }
        let sent = PQputCopyData(
            connection, UnsafeRawPointer(wire.base).assumingMemoryBound(to: CChar.self), Int32(clamping: wire.count))
        wire.removeAll()
        guard sent == 1 else {
            throw EngineError(
                .postgres, .backoff, "lost the connection to Postgres during a COPY", detail: Self.sendFailed)
        }
    }
}
