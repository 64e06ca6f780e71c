import EgizCore

/// What waits for a client that reads slowly: of each path, property or alert the last value only, so that it grows with what there is
/// to tell, not with how long the client takes.
struct LiveHeld {
    /// What of one thing waits.
    private struct Twin {
        /// The last item: revision, time and position are its.
        var item: LiveItem
        var change: LiveItem.Change
        var isReload: Bool
        /// In the order in which they apply; nil where a later one replaced it.
        var parts: [LiveItem.Part?] = []
        var places: [ByteText: Int] = [:]
        /// Their paths in order, so that a removal finds those below it; nil before the first.
        var sorted: [ByteText]?

        /// A path comes that was not there.
        mutating func note(_ path: ByteText) {
            guard var paths = sorted else { return }
            sorted = nil
            paths.insert(path, at: Self.place(of: path, in: paths))
            sorted = paths
        }

        /// The paths below one; they are no longer in `sorted`.
        mutating func takeBelow(_ path: ByteText) -> [ByteText] {
            var paths = sorted ?? places.keys.sorted()
            sorted = nil
            let start = Self.place(of: ByteText(path.text + "/"), in: paths)
            var end = start
            while end < paths.count, paths[end].isAtOrBelow(path) { end += 1 }
            let found = Array(paths[start..<end])
            paths.removeSubrange(start..<end)
            sorted = paths
            return found
        }

        /// Of the first that is not lower.
        private static func place(of path: ByteText, in paths: [ByteText]) -> Int {
            var (low, high) = (0, paths.count)
            while low < high {
                let middle = (low + high) / 2
                if paths[middle] < path { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private enum Key: Hashable {
        case twin(ByteText)
        case keyed(ByteText, ByteText, LiveKind)
        case single(String, Int32, Int64)
    }

    private enum Entry {
        case twin(Twin)
        case item(LiveItem)
    }

    /// About what it holds.
    private(set) var bytes = 0
    /// Values that others replaced.
    private(set) var coalesced = 0
    private var order: [Key] = []
    private var entries: [Key: Entry] = [:]

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// - Parameter parts: those of a twin's item that are meant for the client.
    mutating func add(_ item: LiveItem, parts: [LiveItem.Part]) {
        guard item.kind == .twin else { return add(single: item) }
        let key = Key.twin(item.thing ?? "")
        var twin: Twin
        switch entries.removeValue(forKey: key) {
        case .twin(let held):
            twin = held
            coalesced += 1
        case .item, nil:
            twin = Twin(item: item, change: .changed, isReload: false)
            order.append(key)
            bytes += 256
        }
        twin.item = item
        if item.change != .changed || item.isReload {
            // What was to be told of the thing before does not matter any more.
            bytes -= twin.parts.reduce(0) { $0 + ($1.map(Self.weight) ?? 0) }
            (twin.parts, twin.places, twin.sorted) = ([], [:], nil)
            if item.change != .changed { twin.change = item.change }
            twin.isReload = item.isReload
        }
        if !twin.isReload { for part in parts { add(part, to: &twin) } }
        entries[key] = .twin(twin)
    }

    private mutating func add(_ part: LiveItem.Part, to twin: inout Twin) {
        if part.isRemoval { for path in twin.takeBelow(part.path) { remove(path, from: &twin) } }
        if !remove(part.path, from: &twin) { twin.note(part.path) }
        twin.places[part.path] = twin.parts.count
        twin.parts.append(part)
        bytes += Self.weight(part)
        // Replaced ones leave holes.
        if twin.parts.count > 64, twin.parts.count > twin.places.count * 2 {
            twin.parts = twin.parts.filter { $0 != nil }
            for (place, part) in twin.parts.enumerated() { if let part { twin.places[part.path] = place } }
        }
    }

    /// False where nothing of that path waits.
    @discardableResult
    private mutating func remove(_ path: ByteText, from twin: inout Twin) -> Bool {
        guard let place = twin.places.removeValue(forKey: path), let part = twin.parts[place] else { return false }
        bytes -= Self.weight(part)
        coalesced += 1
        twin.parts[place] = nil
        return true
    }

    private mutating func add(single item: LiveItem) {
        let key: Key =
            if let thing = item.thing, let word = item.key {
                .keyed(thing, word, item.kind)
            } else {
                .single(item.partition.topic, item.partition.partition, item.offset)
            }
        if case .item(let before) = entries[key] {
            bytes -= before.json.count
            coalesced += 1
        } else {
            order.append(key)
            bytes += 128
        }
        bytes += item.json.count
        entries[key] = .item(item)
    }

    /// Takes over what another held, after what is here, as far as `keeps` says.
    ///
    /// A twin that waited is kept as a whole where its last item is: its parts say what is there now.
    mutating func merge(_ other: LiveHeld, _ keeps: (LiveItem) -> Bool) {
        coalesced += other.coalesced
        for key in other.order {
            switch other.entries[key] {
            case .twin(let twin) where keeps(twin.item):
                if twin.change == .changed, !twin.isReload {
                    add(twin.item, parts: twin.parts.compactMap { $0 })
                } else {
                    if case .twin(let before) = entries.removeValue(forKey: key) {
                        bytes -= Self.weight(before)
                    } else {
                        order.append(key)
                    }
                    entries[key] = .twin(twin)
                    bytes += Self.weight(twin)
                }
            case .item(let item) where keeps(item): add(single: item)
            case .twin, .item, nil: break
            }
        }
    }

    /// Leaves out what `keeps` refuses.
    mutating func filter(_ keeps: (LiveItem) -> Bool) {
        var kept = LiveHeld()
        kept.coalesced = coalesced
        for key in order {
            switch entries[key] {
            case .twin(let twin) where keeps(twin.item):
                kept.order.append(key)
                kept.entries[key] = .twin(twin)
                kept.bytes += Self.weight(twin)
            case .item(let item) where keeps(item): kept.add(single: item)
            case .twin, .item, nil: break
            }
        }
        self = kept
    }

    /// The items as they go into frames, in the order in which they first came; nothing is left.
    mutating func take() -> [[UInt8]] {
        let taken = order.compactMap { key -> [UInt8]? in
            switch entries[key] {
            case .twin(let twin):
                twin.item.json(twin.change, isReload: twin.isReload, parts: twin.parts.compactMap { $0 })
            case .item(let item): item.json
            case nil: nil
            }
        }
        removeAll()
        return taken
    }

    mutating func removeAll() {
        order.removeAll()
        entries.removeAll()
        bytes = 0
    }

    private static func weight(_ twin: Twin) -> Int { 256 + twin.parts.reduce(0) { $0 + ($1.map(weight) ?? 0) } }

    private static func weight(_ part: LiveItem.Part) -> Int { part.json.count + part.path.text.utf8.count + 64 }
}
