import EgizTwin

/// From path to series of one thing. A machine has a handful of paths, which a linear search over packed ids finds faster
/// than any hash; beyond 32 it becomes a dictionary.
struct SeriesMap {
    private var ids: [Int32] = []
    /// Nil marks a path that history cannot hold.
    private var slots: [SeriesSlot?] = []
    private var index: [Int32: Int] = [:]

    var count: Int { ids.count }

    /// Nil: never seen. `.some(nil)`: seen, and not to be recorded.
    @inline(__always)
    func find(_ path: PathID) -> SeriesSlot?? {
        if ids.count <= 32 {
            for i in ids.indices where ids[i] == path.raw { return .some(slots[i]) }
            return nil
        }
        return index[path.raw].map { slots[$0] }
    }

    mutating func insert(_ path: PathID, _ slot: SeriesSlot?) {
        ids.append(path.raw)
        slots.append(slot)
        if ids.count == 33 {
            for (i, id) in ids.enumerated() { index[id] = i }
        } else if ids.count > 33 {
            index[path.raw] = ids.count - 1
        }
    }
}
