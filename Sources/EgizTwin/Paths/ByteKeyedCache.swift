/// A bounded cache from raw bytes to objects: one hash and one comparison a hit, no String on the way. When it is full it
/// forgets everything and starts anew. Not thread-safe.
///
/// On plain memory: arrays in a class would be retained and checked for exclusive access at each look-up, several times
/// for each event.
final class ByteKeyedCache<Value: AnyObject> {
    private struct Entry {
        var hash: UInt32
        var count: UInt32
        var key: UnsafeMutableRawPointer
        var value: Value
    }

    /// At most this many bytes of keys altogether.
    private static var maxBytes: Int { 32 << 20 }

    private let maxEntries: Int
    private let maxKeyBytes: Int
    private var entries: UnsafeMutablePointer<Entry>
    private var count = 0
    /// Positions in `entries` + 1, zero is free; twice as many as there is room for entries, a power of two.
    private var table: UnsafeMutablePointer<UInt32>
    private var tableSize: Int
    private var keyBytes = 0

    /// - Parameter maxKeyBytes: longer keys are not kept.
    init(maxEntries: Int, maxKeyBytes: Int) {
        self.maxEntries = maxEntries
        self.maxKeyBytes = maxKeyBytes
        tableSize = 1024
        table = .allocate(capacity: tableSize)
        table.initialize(repeating: 0, count: tableSize)
        entries = .allocate(capacity: tableSize / 2)
    }

    deinit {
        removeAll()
        entries.deallocate()
        table.deallocate()
    }

    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer) -> Value? { borrow(key)?.takeUnretainedValue() }

    /// Like `find`, without a reference of its own: valid until the next insertion.
    @inline(__always)
    func borrow(_ key: UnsafeRawBufferPointer) -> Unmanaged<Value>? {
        let hash = UInt32(truncatingIfNeeded: Bytes.hash(key, seed: Bytes.seed))
        let mask = tableSize &- 1
        var slot = Int(hash) & mask
        while table[slot] != 0 {
            let entry = entries + (Int(table[slot]) &- 1)
            if entry.pointee.hash == hash, Int(entry.pointee.count) == key.count,
                Bytes.equal(UnsafeRawBufferPointer(start: entry.pointee.key, count: key.count), key)
            {
                return Unmanaged.passUnretained(entry.pointee.value)
            }
            slot = (slot &+ 1) & mask
        }
        return nil
    }

    /// Keeps a value for a key that `find` did not find.
    func insert(_ key: UnsafeRawBufferPointer, _ value: Value) {
        guard key.count <= maxKeyBytes else { return }
        if count >= maxEntries || keyBytes + key.count > Self.maxBytes { removeAll() }
        if count == tableSize / 2 { grow() }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(key.count, 1), alignment: 1)
        UnsafeMutableRawBufferPointer(start: copy, count: key.count).copyMemory(from: key)
        let hash = UInt32(truncatingIfNeeded: Bytes.hash(key, seed: Bytes.seed))
        (entries + count).initialize(to: Entry(hash: hash, count: UInt32(key.count), key: copy, value: value))
        keyBytes += key.count
        place(count)
        count += 1
    }

    private func removeAll() {
        for index in 0..<count { entries[index].key.deallocate() }
        entries.deinitialize(count: count)
        table.update(repeating: 0, count: tableSize)
        count = 0
        keyBytes = 0
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: tableSize)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        table.deallocate()
        tableSize *= 2
        table = .allocate(capacity: tableSize)
        table.initialize(repeating: 0, count: tableSize)
        for index in 0..<count { place(index) }
    }

    private func place(_ index: Int) {
        let mask = tableSize - 1
        var slot = Int(entries[index].hash) & mask
        while table[slot] != 0 { slot = (slot + 1) & mask }
        table[slot] = UInt32(index + 1)
    }
}
