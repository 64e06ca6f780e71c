/// Decides what the compactor writes anew for one series: pure. Fresh samples go, with the compacted segments around them, into
/// the widest closed interval of the ladder that holds few enough samples.
struct SlotPlan {
    /// What is known of a compacted segment without its samples.
    struct Known: Equatable {
        var first: Int64
        var last: Int64
        var count: Int
        var kind: Int16
        /// Of its texts, as they are stored.
        var textBytes = 0
    }

    /// One interval that is written anew: fresh samples by place, known segments by index.
    struct Rewrite: Equatable {
        var fresh: Range<Int>
        var known: [Int]
    }

    /// About so many samples a segment are wanted: fewer cost rows, more cost whoever wants few of them.
    static let mostSamples = 1000
    /// Whoever wants one sample reads its whole row, and a row must fit into memory many times.
    static let mostTextBytes = 1 << 20

    private(set) var rewrites: [Rewrite] = []
    /// Known segments that reach over intervals which must be told apart now: their samples are needed as fresh ones, then one
    /// plans again.
    private(set) var opened: [Int] = []
    private let times: [Int64]
    private let textBytes: [Int]
    private let known: [Known]
    private let closed: Int64

    /// `times` are those of the fresh samples, strictly ascending; no interval that ends after `closed` is merged. `textBytes`: the
    /// bytes of all texts before each of them, and of all at its end; empty where there are none.
    init(times: [Int64], textBytes: [Int] = [], known: [Known], closed: Int64) {
        self.times = times
        self.textBytes = textBytes
        self.known = known
        self.closed = closed
        divide(0..<times.count, Array(known.indices), level: 0)
        if !opened.isEmpty { rewrites = [] }
    }

    private mutating func visit(_ start: Int64, _ fresh: Range<Int>, _ inside: [Int], level: Int) {
        let total = fresh.count + inside.reduce(0) { $0 + known[$1].count }
        let bytes = self.bytes(fresh) + inside.reduce(0) { $0 + known[$1].textBytes }
        let isClosed = start + IntervalLadder.widths[level] <= closed
        if isClosed, total <= Self.mostSamples, bytes <= Self.mostTextBytes {
            // One segment of each kind is as good as it gets.
            if fresh.isEmpty, Set(inside.map { known[$0].kind }).count == inside.count { return }
            rewrites.append(Rewrite(fresh: fresh, known: inside))
        } else if level + 1 == IntervalLadder.widths.count {
            if !fresh.isEmpty { rewrites.append(Rewrite(fresh: fresh, known: inside)) }
        } else {
            divide(fresh, inside, level: level + 1)
        }
    }

    private func bytes(_ fresh: Range<Int>) -> Int {
        textBytes.isEmpty ? 0 : textBytes[fresh.upperBound] - textBytes[fresh.lowerBound]
    }

    /// Visits the intervals of that level that hold any of these.
    private mutating func divide(_ fresh: Range<Int>, _ inside: [Int], level: Int) {
        let width = IntervalLadder.widths[level]
        var segments: [Int64: [Int]] = [:]
        for index in inside {
            let start = IntervalLadder.start(of: known[index].first, width)
            guard known[index].last < start + width else {
                // Where nothing new comes it may stay as it is.
                if !fresh.isEmpty { opened.append(index) }
                continue
            }
            segments[start, default: []].append(index)
        }
        var place = fresh.lowerBound
        var starts: [(start: Int64, fresh: Range<Int>)] = []
        while place < fresh.upperBound {
            let start = IntervalLadder.start(of: times[place], width)
            var end = place + 1
            while end < fresh.upperBound, times[end] < start + width { end += 1 }
            starts.append((start, place..<end))
            segments[start] = segments[start] ?? []
            place = end
        }
        let freshByStart = Dictionary(uniqueKeysWithValues: starts.map { ($0.start, $0.fresh) })
        for start in segments.keys.sorted() {
            let none = fresh.lowerBound..<fresh.lowerBound
            visit(start, freshByStart[start] ?? none, segments[start] ?? [], level: level)
        }
    }
}
