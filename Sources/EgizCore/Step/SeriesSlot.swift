import EgizTwin

/// One series as its task knows it: the key, the column of the open epoch, and an empty column kept for the next one.
final class SeriesSlot {
    let key: SeriesKey
    private(set) var current: SeriesColumn?
    private var spare: SeriesColumn?
    /// Set where the open epoch has samples of several kinds: rare, because a path mostly keeps its kind.
    private(set) var mix: SeriesMix?

    init(key: SeriesKey) { self.key = key }

    /// The column of that kind in the open epoch; the caller appends exactly one sample to it. `list` gets it when it is new
    /// there.
    @inline(__always)
    func column(_ kind: SampleKind, list: inout EpochColumns) -> SeriesColumn {
        if let current, current.kind == kind, mix == nil { return current }
        return open(kind, list: &list)
    }

    private func open(_ kind: SampleKind, list: inout EpochColumns) -> SeriesColumn {
        guard let current else {
            let column = make(kind, list: &list)
            self.current = column
            return column
        }
        let mix = self.mix ?? SeriesMix(first: current)
        self.mix = mix
        if let column = mix.arriving(kind) { return column }
        let column = make(kind, list: &list)
        mix.add(column)
        return mix.arriving(kind) ?? column
    }

    private func make(_ kind: SampleKind, list: inout EpochColumns) -> SeriesColumn {
        let column: SeriesColumn
        if let spare, spare.kind == kind {
            column = spare
            self.spare = nil
        } else {
            column = SeriesColumn(series: key, kind: kind)
        }
        list.append(self, column)
        return column
    }

    /// The epoch has closed: its columns belong to the writer now.
    func detach() {
        mix?.resolve()
        mix = nil
        current = nil
    }

    /// The writer is done with a column.
    func recycle(_ column: SeriesColumn) {
        // A backlog that comes machine by machine would otherwise leave every series the buffer of its largest epoch.
        guard spare == nil, column.capacity <= 1024 else { return }
        column.removeAll()
        spare = column
    }
}
