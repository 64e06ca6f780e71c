/// The intervals that compacted segments are aligned to, counted from 1970-01-01T00:00:00Z. Each holds the next a whole number of
/// times, so that an aggregate by one of them finds whole segments.
enum IntervalLadder {
    static let second: Int64 = 1_000_000
    /// A day, 6 h, 1 h, 10 min, 1 min, 10 s, 1 s; in microseconds.
    static let widths: [Int64] = [86_400, 21_600, 3600, 600, 60, 10, 1].map { $0 * second }

    /// Where the interval of that width begins that holds `time`.
    static func start(of time: Int64, _ width: Int64) -> Int64 {
        let rest = time % width
        return time - (rest < 0 ? rest + width : rest)
    }

    /// The widest interval around `time` that ends at or before `closed`; nil where even the narrowest is open.
    static func widest(around time: Int64, closed: Int64) -> Range<Int64>? {
        for width in widths {
            let start = start(of: time, width)
            if start + width <= closed { return start..<(start + width) }
        }
        return nil
    }
}
