public import EgizCore
public import EgizTwin

/// One sample of a series, as stored.
public struct HistorySample: Sendable, Equatable {
    public var time: EventTime
    public var kind: SampleKind
    /// The number, or 0 and 1 for booleans.
    public var number: Double?
    /// The text, the JSON, or the exact literal of an integer that float8 cannot hold.
    public var text: String?

    public init(time: EventTime, kind: SampleKind, number: Double?, text: String?) {
        self.time = time
        self.kind = kind
        self.number = number
        self.text = text
    }
}
