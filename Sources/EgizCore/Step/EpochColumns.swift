/// The columns that one task touched in one epoch, each once, with the slots they go back to.
struct EpochColumns {
    private(set) var slots: [SeriesSlot] = []
    private(set) var columns: [SeriesColumn] = []
    /// What a column costs beside its samples, about; counts against `commit.maxBytes`.
    static let columnBytes = 160

    mutating func append(_ slot: SeriesSlot, _ column: SeriesColumn) {
        slots.append(slot)
        columns.append(column)
    }

    /// Ends the epoch: takes the columns away from their slots and seals them. One whose samples all gave way to samples of
    /// other kinds is empty then.
    func detach() {
        for slot in slots { slot.detach() }
        for column in columns { column.seal() }
    }

    /// Gives the columns back after the commit. Where an epoch touched very many series their buffers are dropped instead:
    /// kept capacity of a million quiet series would be memory for nothing.
    func recycle() {
        guard columns.count <= 65_536 else { return }
        for (slot, column) in zip(slots, columns) { slot.recycle(column) }
    }
}
