/// The columns of one series that changed its kind within the open epoch, and the order in which their samples came: one
/// byte a sample, and only for such a series.
///
/// A time must end with one sample, the one that arrived last: the columns of one series never share a time, so they cannot
/// compete under the epoch's one `seq` (rule 23). Which samples stay is decided once, when the epoch closes; deciding it at
/// every sample would search the other columns each time.
final class SeriesMix {
    private(set) var columns: [SeriesColumn]
    /// For each sample of the epoch in order of arrival, the place of its column in `columns`.
    private var arrivals: [UInt8]
    /// Comparisons that `resolve` made, for tests: it must stay near n log n.
    private(set) var comparisons = 0

    /// A series whose samples all lie in `first` so far.
    init(first: SeriesColumn) {
        columns = [first]
        arrivals = Array(repeating: 0, count: first.count)
    }

    /// The column of that kind; its next sample is noted as arriving now.
    func arriving(_ kind: SampleKind) -> SeriesColumn? {
        guard let place = columns.firstIndex(where: { $0.kind == kind }) else { return nil }
        arrivals.append(UInt8(truncatingIfNeeded: place))
        return columns[place]
    }

    /// There are as many columns as kinds at most.
    func add(_ column: SeriesColumn) { columns.append(column) }

    /// Leaves each time with the sample that arrived last, all columns in strictly ascending time, some perhaps empty.
    func resolve() {
        // The samples of one column stand in it in order of arrival, so counting tells which is which.
        var indices: [Int] = []
        indices.reserveCapacity(arrivals.count)
        var counts = columns.map { _ in 0 }
        for place in arrivals {
            indices.append(counts[Int(place)])
            counts[Int(place)] += 1
        }
        // Once a column: its tail of plain memory is looked at each time it is asked.
        let timesOf = columns.map(\.times)
        let times = zip(arrivals, indices).map { timesOf[Int($0)][$1] }
        var comparisons = 0
        let order = times.indices.sorted {
            comparisons += 1
            return (times[$0], $0) < (times[$1], $1)
        }
        self.comparisons = comparisons
        var kept = columns.map { _ in [Int]() }
        for (n, arrival) in order.enumerated() {
            if n + 1 < order.count, times[order[n + 1]] == times[arrival] { continue }
            kept[Int(arrivals[arrival])].append(indices[arrival])
        }
        for (column, kept) in zip(columns, kept) { column.keep(kept) }
    }
}
