import EgizCore

/// A subscription of a session: how far its snapshot is, and what its rows have told.
struct LiveEntry {
    /// Rows that are remembered at most: without one, what the log tells late is told again, in its order.
    static let mostFloors = 50_000

    var subscription: LiveSubscription
    /// Nil: all of a twin.
    var filter: LivePathFilter?
    /// The client has the state that changes go on from: by a snapshot, or because it was there before.
    var hasBase: Bool
    /// Nil: it is live.
    var reading: LiveReading?
    /// Of the rows that its snapshot has told. Its own: a row has only what its filter takes.
    private(set) var floors: [LiveSession.FloorKey: LiveSession.Floor] = [:]
    /// Nothing was added to them since the last look.
    private var isAged = false

    init(subscription: LiveSubscription, filter: LivePathFilter?, hasBase: Bool, reading: LiveReading?) {
        self.subscription = subscription
        self.filter = filter
        self.hasBase = hasBase
        self.reading = reading
    }

    /// The row goes out: what the log told up to there is in it.
    mutating func note(_ row: LiveRow) {
        if floors.count >= Self.mostFloors { floors.removeAll() }
        floors[row.key] = row.floor
        isAged = false
    }

    /// Called from time to time. A live one forgets what it has had for a whole such time.
    mutating func age() {
        guard reading == nil else { return }
        if isAged { floors.removeAll() }
        isAged = true
    }

    /// Its snapshot begins anew, or it waits for that.
    mutating func restart() {
        floors.removeAll()
        if reading != nil { reading = LiveReading() }
    }

    /// Whether the subscription tells an item that it matches now. While its snapshot is read it may hold the item, or leave it to a later
    /// page. What it holds at a time is bounded by `mostBytes`.
    ///
    /// That a thing is gone is told at once: its page has no row that would take away what the client was told of it before the snapshot,
    /// or for another subscription.
    mutating func tells(_ item: LiveItem, mostBytes: Int) -> Bool {
        switch reading?.way(of: item) {
        case .later: return item.isDeletion
        case .held:
            hold(item, mostBytes)
            return item.isDeletion
        case .told, nil: return isBeyondFloor(item)
        }
    }

    private mutating func hold(_ item: LiveItem, _ mostBytes: Int) {
        guard reading?.isSpoiled == false else { return }
        let parts = filter.map { filter in item.parts.filter { filter.takes($0) } } ?? item.parts
        if parts.isEmpty, !item.parts.isEmpty, item.change == .changed, !item.isReload { return }
        reading?.held.add(item, parts: parts)
        if reading?.held.bytes ?? 0 > mostBytes { reading?.spoil() }
    }

    /// Whether the item says more than the row that the client has. Once one did, all later ones do.
    ///
    /// A higher revision does so wherever its record stood: the log may have begun anew (the embedded one does with each start), and a
    /// mended dead letter has its old place. A later place does so whatever the revision: who was deleted and made again begins at 1.
    /// What a model says has the revision of the state that it was asked about: a higher one is proof of a later answer, a lower one of
    /// nothing.
    mutating func isBeyondFloor(_ item: LiveItem) -> Bool {
        guard !floors.isEmpty, let thing = item.thing else { return true }
        let key = LiveSession.FloorKey(thing: thing, kind: item.kind, key: item.key ?? "")
        guard let floor = floors[key] else { return true }
        let revision = item.kind == .prediction ? item.asked?.revision : item.revision
        let isBeyond: Bool
        if let revision, revision > floor.revision {
            isBeyond = true
        } else if let cause = item.cause, let position = floor.position, cause.topic == position.topic,
            cause.partition == position.partition
        {
            // One record may take several steps of an alert or a property; the last of them is told again, which changes nothing.
            isBeyond = item.kind == .twin ? cause.offset > position.offset : cause.offset >= position.offset
        } else if let revision, item.kind != .prediction {
            isBeyond = item.kind != .twin && revision == floor.revision
        } else {
            isBeyond = true
        }
        if isBeyond { floors[key] = nil }
        return isBeyond
    }
}
