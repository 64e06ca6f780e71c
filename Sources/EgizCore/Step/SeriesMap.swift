import EgizTwin

/// From path to series of one thing. A machine has a handful of paths, which a linear search over packed ids finds faster
/// than any hash; beyond 32 it becomes a dictionary.
struct SeriesMap {
    private struct Entry {
        var id: Int32
        /// Nil marks a path that history cannot hold.
        var slot: SeriesSlot?
    }

    private var entries: ContiguousArray<Entry> = []
    private var index: [Int32: Int] = [:]

    var count: Int { entries.count }

    /// Nil: never seen. `.some(nil)`: seen, and not to be recorded.
    @inline(__always)
    func find(_ path: PathID) -> SeriesSlot?? {
        if entries.count <= 32 {
            for i in entries.indices where entries[i].id == path.raw { return .some(entries[i].slot) }
            return nil
        }
        return index[path.raw].map { entries[$0].slot }
    }

    mutating func insert(_ path: PathID, _ slot: SeriesSlot?) {
        entries.append(Entry(id: path.raw, slot: slot))
        if entries.count == 33 {
            for (i, entry) in entries.enumerated() { index[entry.id] = i }
        } else if entries.count > 33 {
            index[path.raw] = entries.count - 1
        }
    }
}
