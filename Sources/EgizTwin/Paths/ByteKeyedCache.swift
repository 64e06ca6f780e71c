/// A bounded cache from raw bytes to objects: one hash and one comparison a hit, no String on the way. When it is full it
/// forgets everything and starts anew.
struct ByteKeyedCache<Value: AnyObject> {
    private struct Entry {
        var hash: UInt32
        var offset: UInt32
        var count: UInt32
        var value: Value
    }

    private static var minimum: Int { 1024 }

    private let maxEntries: Int
    private let maxKeyBytes: Int
    /// At most this many bytes of keys altogether.
    private let maxBytes = 32 << 20
    private var keys: ContiguousArray<UInt8> = []
    private var entries: ContiguousArray<Entry> = []
    /// Positions in `entries` + 1; zero is free.
    private var table: ContiguousArray<UInt32>

    /// - Parameter maxKeyBytes: longer keys are not kept.
    init(maxEntries: Int, maxKeyBytes: Int) {
        self.maxEntries = maxEntries
        self.maxKeyBytes = maxKeyBytes
        table = ContiguousArray(repeating: 0, count: Self.minimum)
    }

    @inline(__always)
    mutating func find(_ key: UnsafeRawBufferPointer) -> Value? {
        let hash = UInt32(truncatingIfNeeded: Bytes.hash(key, seed: Bytes.seed))
        let mask = table.count &- 1
        var slot = Int(hash) & mask
        while table[slot] != 0 {
            let index = Int(table[slot]) &- 1
            if entries[index].hash == hash, matches(index, key) { return entries[index].value }
            slot = (slot &+ 1) & mask
        }
        return nil
    }

    @inline(__always)
    private func matches(_ index: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        guard Int(entries[index].count) == key.count else { return false }
        let offset = Int(entries[index].offset)
        return keys.withUnsafeBytes { stored in
            guard let p = stored.baseAddress, let q = key.baseAddress else { return key.isEmpty }
            return Bytes.equal(p + offset, q, key.count)
        }
    }

    /// Keeps a value for a key that `find` did not find.
    mutating func insert(_ key: UnsafeRawBufferPointer, _ value: Value) {
        guard key.count <= maxKeyBytes else { return }
        if entries.count >= maxEntries || keys.count + key.count > maxBytes {
            keys.removeAll()
            entries.removeAll()
            table = ContiguousArray(repeating: 0, count: Self.minimum)
        }
        let hash = UInt32(truncatingIfNeeded: Bytes.hash(key, seed: Bytes.seed))
        entries.append(
            Entry(hash: hash, offset: UInt32(keys.count), count: UInt32(key.count), value: value))
        keys.append(contentsOf: key)
        if entries.count * 2 > table.count {
            table = ContiguousArray(repeating: 0, count: table.count * 2)
            for index in entries.indices { place(index) }
        } else {
            place(entries.count - 1)
        }
    }

    private mutating func place(_ index: Int) {
        let mask = table.count - 1
        var slot = Int(entries[index].hash) & mask
        while table[slot] != 0 { slot = (slot + 1) & mask }
        table[slot] = UInt32(index + 1)
    }
}
