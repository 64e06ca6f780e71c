/// When an event happened, in microseconds since 1970 UTC.
public struct EventTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// 1970-01-01T00:00:00Z.
    public static let earliest = EventTime(microseconds: 0)
    /// 2200-01-01T00:00:00Z.
    public static let latest = EventTime(microseconds: 7_258_118_400_000_000)

    /// From `earliest` to before `latest`: what the engine takes as a time.
    public var isAcceptable: Bool { self >= .earliest && self < .latest }

    /// RFC 3339 in UTC, with a fraction of 0, 3 or 6 digits.
    public var text: String { Timestamp(self).canonicalText }

    public var description: String { text }

    /// This time later by `microseconds`, held at the ends of what can be said: record times come from outside.
    public func advanced(byMicroseconds microseconds: Int64) -> EventTime {
        let (sum, overflow) = self.microseconds.addingReportingOverflow(microseconds)
        return EventTime(microseconds: overflow ? (microseconds < 0 ? .min : .max) : sum)
    }

    public static func < (a: EventTime, b: EventTime) -> Bool { a.microseconds < b.microseconds }
}
