public import EgizTwin

/// The numbers of one interval. Intervals are aligned to the epoch (1970-01-01T00:00:00Z).
public struct HistoryBucket: Sendable, Equatable {
    /// Where the interval starts.
    public var start: EventTime
    /// How many numbers it holds.
    public var count: Int64
    /// How many samples of other kinds were left out (rule 25).
    public var skipped: Int64
    /// Nil where the interval holds no number, or where they were not asked for.
    public var min: Double?
    public var max: Double?
    public var sum: Double?
    public var first: Double?
    public var last: Double?
    /// The average over the time for which a value is known, where each number holds until the next sample; nil where none is.
    public var timeAverage: Double?

    public init(
        start: EventTime, count: Int64, skipped: Int64, min: Double? = nil, max: Double? = nil, sum: Double? = nil,
        first: Double? = nil, last: Double? = nil, timeAverage: Double? = nil
    ) {
        self.start = start
        self.count = count
        self.skipped = skipped
        self.min = min
        self.max = max
        self.sum = sum
        self.first = first
        self.last = last
        self.timeAverage = timeAverage
    }
}
