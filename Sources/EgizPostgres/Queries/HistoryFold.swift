import EgizCore
import EgizTwin

/// Folds samples and statistics of segments, in the order of time, into aligned intervals. Pure.
struct HistoryFold {
    private let interval: Int64
    private let from: Int64
    private let to: Int64
    private var open: Open?
    private(set) var buckets: [HistoryBucket] = []
    /// The value that holds from this time on; nil where none is known.
    private var held: (time: Int64, number: Double)?

    private struct Open {
        var start: Int64
        var bucket: HistoryBucket
        var integral = 0.0
        /// For how much of the interval a value is known, in microseconds.
        var covered: Int64 = 0
    }

    /// `held` is the number that held when the range began; intervals in microseconds, aligned to 1970-01-01T00:00:00Z.
    init(interval: Int64, from: Int64, to: Int64, held number: Double?) {
        self.interval = interval
        self.from = from
        self.to = to
        held = number.map { (from, $0) }
    }

    /// How many intervals were begun.
    var begun: Int { buckets.count + (open == nil ? 0 : 1) }

    /// Both times lie in one interval, wholly inside the range.
    func isInside(_ first: Int64, _ last: Int64) -> Bool {
        first >= from && last < to
            && IntervalLadder.start(of: first, interval) == IntervalLadder.start(of: last, interval)
    }

    mutating func add(time: Int64, kind: SampleKind, number: Double) {
        advance(to: time)
        if kind == .number {
            open?.bucket.add(count: 1, minimum: number, maximum: number, sum: number, first: number, last: number)
            held = (time, number)
        } else {
            open?.bucket.skipped += 1
            held = nil
        }
    }

    /// Adds a segment that lies inside one interval and overlaps no other.
    mutating func add(_ item: HistoryReader.Item) {
        advance(to: item.first)
        guard item.kind == .number, let statistics = item.statistics else {
            open?.bucket.skipped += Int64(item.count)
            held = nil
            return
        }
        open?.bucket.add(
            count: Int64(item.count), minimum: statistics.minimum, maximum: statistics.maximum, sum: statistics.total,
            first: statistics.first, last: statistics.last)
        open?.integral += statistics.integral
        open?.covered += item.last - item.first
        held = (item.last, statistics.last)
    }

    /// Ends the last interval.
    mutating func finish() { close() }

    private mutating func advance(to time: Int64) {
        let start = IntervalLadder.start(of: time, interval)
        if open?.start != start {
            close()
            open = Open(
                start: start, bucket: HistoryBucket(start: EventTime(microseconds: start), count: 0, skipped: 0))
        }
        hold(until: time)
    }

    private mutating func close() {
        guard var closing = open else { return }
        let (end, overflow) = closing.start.addingReportingOverflow(interval)
        hold(until: min(overflow ? to : end, to))
        closing = open ?? closing
        if closing.covered > 0 {
            // Beyond what float8 holds there is no average to tell.
            let average = closing.integral / (Double(closing.covered) / 1_000_000)
            closing.bucket.timeAverage = average.isFinite ? average : nil
        }
        buckets.append(closing.bucket)
        open = nil
    }

    /// The held value counts up to `time` in the open interval.
    private mutating func hold(until time: Int64) {
        guard let held, let start = open?.start else { return }
        let since = max(held.time, start, from)
        guard time > since else { return }
        open?.integral += held.number * (Double(time - since) / 1_000_000)
        open?.covered += time - since
        self.held = (time, held.number)
    }
}

extension HistoryBucket {
    fileprivate mutating func add(
        count: Int64, minimum: Double, maximum: Double, sum: Double, first: Double, last: Double
    ) {
        if self.count == 0 {
            (min, max, self.sum, self.first) = (minimum, maximum, sum, first)
        } else {
            min = Swift.min(min ?? minimum, minimum)
            max = Swift.max(max ?? maximum, maximum)
            self.sum = (self.sum ?? 0) + sum
        }
        self.last = last
        self.count += count
    }
}
