import EgizPostgres
import NIOCore

/// Items of the last while, in their order.
struct LiveRecent {
    /// Without an older one, a snapshot may begin with the answer before it.
    static let most = 20_000

    private var entries: [(item: LiveItem, at: NIODeadline)] = []
    private var first = 0

    var items: [LiveItem] { entries[first...].map(\.item) }

    mutating func append(_ item: LiveItem, at time: NIODeadline) {
        entries.append((item, time))
        if entries.count - first > Self.most { drop() }
    }

    mutating func forget(before time: NIODeadline) {
        while first < entries.count, entries[first].at < time { drop() }
    }

    /// Whose things moved to another project are not what the items say.
    mutating func forget(_ moves: [LiveMove]) {
        entries = entries[first...].filter { entry in
            guard let thing = entry.item.thing else { return true }
            return !moves.contains { $0.isOf(thing) }
        }
        first = 0
    }

    private mutating func drop() {
        first += 1
        guard first > 1024, first * 2 > entries.count else { return }
        entries.removeFirst(first)
        first = 0
    }
}
