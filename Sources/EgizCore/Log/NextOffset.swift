/// The offset of the next record to read, as Kafka stores positions: one past the last record consumed.
///
/// The type makes the usual off-by-one unwritable: a consumed offset becomes a position only by `init(after:)`.
public struct NextOffset: Sendable, Hashable, Comparable {
    public let raw: Int64

    public init(after consumed: Int64) { raw = consumed + 1 }

    /// Takes over a position that was stored or reported as one (a database row, a watermark).
    public init(stored raw: Int64) { self.raw = raw }

    public static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }
}
