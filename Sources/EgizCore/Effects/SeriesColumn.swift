/// The samples of one series and one kind that an epoch gathers: columns, as they go into a history segment.
///
/// Owned by the stream thread while the epoch is open, by the committing thread afterwards, and handed back for reuse
/// with its capacity; never shared.
public final class SeriesColumn {
    /// The worker-wide name of the series, resolved to its database id by the writer.
    public let series: SeriesKey
    public let kind: SampleKind
    /// Microseconds since 1970, in order of arrival until `seal()`.
    public private(set) var times: [Int64] = []
    /// Numbers and booleans; empty for the other kinds.
    public private(set) var numbers: [Double] = []
    /// Texts, JSON and exact literals; empty where a number column holds no inexact number.
    public private(set) var texts: [String?] = []
    private var ascending = true
    public var isEmpty: Bool { times.isEmpty }
    public var count: Int { times.count }
    var capacity: Int { times.capacity }

    public init(series: SeriesKey, kind: SampleKind) {
        self.series = series
        self.kind = kind
    }

    @inline(__always)
    public func append(time: Int64, number: Double) {
        note(time)
        times.append(time)
        numbers.append(number)
        if !texts.isEmpty { texts.append(nil) }
    }

    /// Appends an integer that float8 cannot hold exactly, with its literal.
    public func append(time: Int64, number: Double, exactly literal: String) {
        note(time)
        if texts.isEmpty { texts = Array(repeating: nil, count: times.count) }
        times.append(time)
        numbers.append(number)
        texts.append(literal)
    }

    public func append(time: Int64, text: String) {
        note(time)
        times.append(time)
        texts.append(text)
    }

    /// Appends a sample whose kind says everything: null or absent.
    public func append(time: Int64) {
        note(time)
        times.append(time)
    }

    public func removeAll() {
        times.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        ascending = true
    }

    @inline(__always)
    private func note(_ time: Int64) {
        if let last = times.last, time <= last { ascending = false }
    }

    /// Brings the samples into strictly ascending time; of equal times the last one stays (rule 23).
    public func seal() {
        guard !ascending else { return }
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
        if !numbers.isEmpty { numbers = kept.map { numbers[$0] } }
        if !texts.isEmpty { texts = kept.map { texts[$0] } }
        times = kept.map { times[$0] }
        ascending = true
    }
}
