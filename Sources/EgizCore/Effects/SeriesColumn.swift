/// The samples of one series and one kind that an epoch gathers: columns, as they go into a history segment.
///
/// Owned by the stream thread while the epoch is open, by the committing thread afterwards, and handed back for reuse
/// with its capacity; never shared.
public final class SeriesColumn {
    /// The worker-wide name of the series, resolved to its database id by the writer.
    public let series: SeriesKey
    public let kind: SampleKind
    /// Microseconds since 1970, in order of arrival until `seal()`.
    public var times: [Int64] {
        if tailCount > 0 { settle() }
        return settledTimes
    }
    /// Numbers and booleans; empty for the other kinds.
    public var numbers: [Double] {
        if tailCount > 0 { settle() }
        return settledNumbers
    }
    /// Texts, JSON and exact literals; empty where a number column holds no inexact number.
    public private(set) var texts: [String?] = []
    private var settledTimes: [Int64] = []
    private var settledNumbers: [Double] = []
    private var ascending = true
    private var last = Int64.min
    /// Numbers that have come since the arrays were last asked for, times and values side by side: plain memory, because arrays in
    /// an object are checked for a second reference at each append.
    private var tail: UnsafeMutablePointer<(time: Int64, number: Double)>?
    private var tailCount = 0
    private var tailCapacity = 0
    public var isEmpty: Bool { count == 0 }
    public var count: Int { settledTimes.count + tailCount }
    var capacity: Int { max(settledTimes.capacity, tailCapacity) }

    public init(series: SeriesKey, kind: SampleKind) {
        self.series = series
        self.kind = kind
    }

    deinit { tail?.deallocate() }

    @inline(__always)
    public func append(time: Int64, number: Double) {
        note(time)
        if tailCount == tailCapacity || !texts.isEmpty { return appendSlowly(time, number) }
        tail.unsafelyUnwrapped[tailCount] = (time, number)
        tailCount += 1
    }

    @inline(never)
    private func appendSlowly(_ time: Int64, _ number: Double) {
        if !texts.isEmpty {
            settle()
            settledTimes.append(time)
            settledNumbers.append(number)
            texts.append(nil)
            return
        }
        let capacity = max(4, tailCapacity * 2)
        let larger = UnsafeMutablePointer<(time: Int64, number: Double)>.allocate(capacity: capacity)
        if let tail {
            larger.update(from: tail, count: tailCount)
            tail.deallocate()
        }
        tail = larger
        tailCapacity = capacity
        larger[tailCount] = (time, number)
        tailCount += 1
    }

    /// The time of a sample. Unlike `times` it moves nothing: for columns of a few samples.
    public func time(_ place: Int) -> Int64 {
        place < settledTimes.count ? settledTimes[place] : inTail(place - settledTimes.count).time
    }

    /// The number of a sample, of a column that has numbers.
    public func number(_ place: Int) -> Double {
        place < settledNumbers.count ? settledNumbers[place] : inTail(place - settledNumbers.count).number
    }

    public var hasNumbers: Bool { tailCount > 0 || !settledNumbers.isEmpty }
    public var hasTexts: Bool { !texts.isEmpty }

    @inline(__always)
    private func inTail(_ place: Int) -> (time: Int64, number: Double) {
        precondition(place >= 0 && place < tailCount, "a sample beyond the last one")
        return tail.unsafelyUnwrapped[place]
    }

    /// Moves the tail into the arrays.
    private func settle() {
        guard tailCount > 0, let tail else { return }
        let count = tailCount
        tailCount = 0
        settledTimes.reserveCapacity(settledTimes.count + count)
        settledNumbers.reserveCapacity(settledNumbers.count + count)
        for index in 0..<count { settledTimes.append(tail[index].time) }
        for index in 0..<count { settledNumbers.append(tail[index].number) }
    }

    /// Appends an integer that float8 cannot hold exactly, with its literal.
    public func append(time: Int64, number: Double, exactly literal: String) {
        note(time)
        settle()
        if texts.isEmpty { texts = Array(repeating: nil, count: times.count) }
        settledTimes.append(time)
        settledNumbers.append(number)
        texts.append(literal)
    }

    public func append(time: Int64, text: String) {
        note(time)
        settledTimes.append(time)
        texts.append(text)
    }

    /// Appends a sample whose kind says everything: null or absent.
    public func append(time: Int64) {
        note(time)
        settledTimes.append(time)
    }

    public func removeAll() {
        // Numbers come back into the tail; arrays beside it would be the same memory twice.
        settledTimes.removeAll(keepingCapacity: tail == nil)
        settledNumbers.removeAll(keepingCapacity: tail == nil)
        texts.removeAll(keepingCapacity: true)
        tailCount = 0
        ascending = true
        last = .min
    }

    @inline(__always)
    private func note(_ time: Int64) {
        if time <= last { ascending = false }
        last = time
    }

    /// Brings the samples into strictly ascending time; of equal times the last one stays (rule 23).
    public func seal() {
        guard !ascending else { return }
        let times = self.times
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        var kept: [Int] = []
        kept.reserveCapacity(order.count)
        for index in order {
            if let last = kept.last, times[last] == times[index] {
                kept[kept.count - 1] = index
            } else {
                kept.append(index)
            }
        }
        keep(kept)
    }

    /// Leaves the samples at those places, which the caller gives in strictly ascending order of their times.
    func keep(_ kept: [Int]) {
        settle()
        if !settledNumbers.isEmpty { settledNumbers = kept.map { settledNumbers[$0] } }
        if !texts.isEmpty { texts = kept.map { texts[$0] } }
        settledTimes = kept.map { settledTimes[$0] }
        last = settledTimes.last ?? .min
        ascending = true
    }
}
