import EgizCore

/// A partition of `history_packed`: one class, one stretch of time. A week, and a day in classes of up to a month, so that what is
/// past its retention does not stay for another week.
struct PackedInterval: Hashable, Comparable {
    /// Days; 0 keeps for ever.
    var retention: Int32
    /// Of intervals of this length since 1970-01-01.
    var number: Int64

    init(retention: Int32, number: Int64) {
        self.retention = retention
        self.number = number
    }

    init(retention: Int32, holding time: Int64) {
        self.retention = retention
        let length = Self.length(retention)
        number = IntervalLadder.start(of: time, length) / length
    }

    static func length(_ retention: Int32) -> Int64 {
        HistoryRetention.partition(ofDays: retention)
    }

    var start: Int64 { number * Self.length(retention) }
    var end: Int64 { start + Self.length(retention) }

    /// The tree of a class.
    static func tree(_ retention: Int32) -> String { "history_packed_\(retention)" }

    /// `history_packed_90_20260101`, by the day the interval begins.
    var table: String { "\(Self.tree(retention))_\(HistoryInterval.day(of: start))" }

    static func < (a: Self, b: Self) -> Bool { (a.retention, a.number) < (b.retention, b.number) }
}
