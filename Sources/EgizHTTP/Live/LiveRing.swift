import EgizCore

/// The last items of one partition, for clients that come back. Bounded by the owner through `drop`.
struct LiveRing {
    private var items: [LiveItem] = []
    private var first = 0
    /// The mark of the last item before those; nil: none was seen.
    private var dropped: UInt32?
    /// Everything from this offset on is here.
    private(set) var start: Int64
    /// The next offset of the log.
    private(set) var next: Int64

    init(start: Int64) { (self.start, next) = (start, start) }

    var count: Int { items.count - first }

    mutating func append(_ item: LiveItem) {
        items.append(item)
        next = max(next, item.offset + 1)
    }

    /// Records that live push does not hand on, and marks of transactions, move the end as well.
    mutating func advance(to offset: Int64) { next = max(next, offset) }

    /// Forgets the oldest item; what it held, in bytes.
    mutating func drop() -> Int {
        guard first < items.count else { return 0 }
        let item = items[first]
        first += 1
        start = item.offset + 1
        dropped = item.mark
        if first > 1024, first * 2 > items.count {
            items.removeFirst(first)
            first = 0
        }
        return LiveRing.weight(item)
    }

    /// The items at and after an offset; nil where some of them are no longer here, or the offset is beyond the log.
    func items(from offset: Int64) -> ArraySlice<LiveItem>? { place(of: offset).map { items[$0...] } }

    /// What identifies the last item before an offset, 0 where there is none; nil where that is not known.
    func mark(before offset: Int64) -> UInt32? {
        guard let place = place(of: offset) else { return nil }
        return place > first ? items[place - 1].mark : dropped ?? 0
    }

    /// Of the first item at or after an offset.
    private func place(of offset: Int64) -> Int? {
        guard offset >= start, offset <= next else { return nil }
        var low = first
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Bytes that an item holds, about: its text in a frame, and for twins its parts beside it.
    static func weight(_ item: LiveItem) -> Int { 256 + item.json.count * 2 + item.parts.count * 64 }
}
