import EgizTwin

/// One series as its task knows it: the key, the column of the open epoch, and an empty column kept for the next one.
final class SeriesSlot {
    let key: SeriesKey
    private(set) var current: SeriesColumn?
    private var spare: SeriesColumn?
    /// Columns of further kinds in the same epoch: rare, because a path mostly keeps its kind.
    private var others: [SeriesColumn] = []

    init(key: SeriesKey) { self.key = key }

    /// The column of that kind in the open epoch, ready for a sample at `time`; `list` gets it when it is new there.
    @inline(__always)
    func column(_ kind: SampleKind, at time: Int64, list: inout EpochColumns) -> SeriesColumn {
        if let current, current.kind == kind, others.isEmpty { return current }
        return open(kind, at: time, list: &list)
    }

    // Where a series changes its kind, a time must still have one sample, the latest: the columns of one series never share
    // a time, so they cannot compete under the epoch's one `seq`.
    private func open(_ kind: SampleKind, at time: Int64, list: inout EpochColumns) -> SeriesColumn {
        for column in others where column.kind != kind { column.remove(time: time) }
        if let current, current.kind != kind { current.remove(time: time) }
        if let current, current.kind == kind { return current }
        if let other = others.first(where: { $0.kind == kind }) { return other }
        let column: SeriesColumn
        if let spare, spare.kind == kind {
            column = spare
            self.spare = nil
        } else {
            column = SeriesColumn(series: key, kind: kind)
        }
        if current == nil { current = column } else { others.append(column) }
        list.append(self, column)
        return column
    }

    /// The epoch has closed: its columns belong to the writer now.
    func detach() {
        current = nil
        if !others.isEmpty { others.removeAll() }
    }

    /// The writer is done with a column.
    func recycle(_ column: SeriesColumn) {
        // A backlog that comes machine by machine would otherwise leave every series the buffer of its largest epoch.
        guard spare == nil, column.capacity <= 1024 else { return }
        column.removeAll()
        spare = column
    }
}
