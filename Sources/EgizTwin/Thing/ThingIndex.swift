/// From the bytes of thing ids to numbers that the owner gives: one hash and one comparison a look-up, no String and no reference on
/// the way. Open addressing on plain memory; not thread-safe.
public final class ThingIndex {
    private struct Slot {
        /// Nil: the slot is free.
        var key: UnsafeMutableRawPointer?
        var hash: UInt32
        var place: Int32
        var count: UInt32
        var namespaceCount: UInt32
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var size = 64
    public private(set) var count = 0

    public init() {
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Self.free, count: size)
    }

    deinit {
        for index in 0..<size { slots[index].key?.deallocate() }
        slots.deallocate()
    }

    private static var free: Slot { Slot(key: nil, hash: 0, place: -1, count: 0, namespaceCount: 0) }

    /// The number of the thing with that id; -1: none. Where there is one, `namespaceCount` is where the colon stands.
    @inline(__always)
    func find(_ id: UnsafeRawBufferPointer, namespaceCount: inout Int) -> Int {
        guard let start = id.baseAddress else { return -1 }
        let hash = UInt32(truncatingIfNeeded: Bytes.hash(id, seed: Bytes.seed))
        let mask = size &- 1
        var at = Int(hash) & mask
        while let key = slots[at].key {
            if slots[at].hash == hash, Int(slots[at].count) == id.count, Bytes.equal(key, start, id.count) {
                namespaceCount = Int(slots[at].namespaceCount)
                return Int(slots[at].place)
            }
            at = (at &+ 1) & mask
        }
        return -1
    }

    public func find(_ thing: ThingID) -> Int { thing.withBytes { find($0) } }

    public func find(_ id: UnsafeRawBufferPointer) -> Int {
        var ignored = 0
        return find(id, namespaceCount: &ignored)
    }

    /// Gives a thing its number, or another one.
    public func set(_ thing: ThingID, to place: Int) {
        thing.withBytes { id in
            let hash = UInt32(truncatingIfNeeded: Bytes.hash(id, seed: Bytes.seed))
            if let at = slot(of: id, hash) {
                slots[at].place = Int32(truncatingIfNeeded: place)
                return
            }
            if (count + 1) * 2 > size { grow() }
            let key = UnsafeMutableRawPointer.allocate(byteCount: max(id.count, 1), alignment: 1)
            UnsafeMutableRawBufferPointer(start: key, count: id.count).copyMemory(from: id)
            put(
                Slot(
                    key: key, hash: hash, place: Int32(truncatingIfNeeded: place), count: UInt32(id.count),
                    namespaceCount: UInt32(thing.namespaceCount)))
            count += 1
        }
    }

    public func remove(_ thing: ThingID) {
        thing.withBytes { id in
            let hash = UInt32(truncatingIfNeeded: Bytes.hash(id, seed: Bytes.seed))
            guard let found = slot(of: id, hash) else { return }
            slots[found].key?.deallocate()
            count -= 1
            // Those behind it move up, so that no search ends early at the gap.
            let mask = size - 1
            var gap = found
            var at = (found + 1) & mask
            while slots[at].key != nil {
                let home = Int(slots[at].hash) & mask
                if (at &- home) & mask >= (at &- gap) & mask {
                    slots[gap] = slots[at]
                    gap = at
                }
                at = (at + 1) & mask
            }
            slots[gap] = Self.free
        }
    }

    private func slot(of id: UnsafeRawBufferPointer, _ hash: UInt32) -> Int? {
        let mask = size - 1
        var at = Int(hash) & mask
        while let key = slots[at].key {
            if slots[at].hash == hash, Bytes.equal(UnsafeRawBufferPointer(start: key, count: Int(slots[at].count)), id)
            {
                return at
            }
            at = (at + 1) & mask
        }
        return nil
    }

    private func put(_ slot: Slot) {
        let mask = size - 1
        var at = Int(slot.hash) & mask
        while slots[at].key != nil { at = (at + 1) & mask }
        slots[at] = slot
    }

    private func grow() {
        let old = slots
        let oldSize = size
        size *= 2
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Self.free, count: size)
        for index in 0..<oldSize where old[index].key != nil { put(old[index]) }
        old.deallocate()
    }
}
