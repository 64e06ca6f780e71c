import HTTPTypes
import EgizCore
import EgizPostgres

/// What one client gets: decides, holds and orders; knows no socket, no clock and no database.
///
/// A subscription begins with a snapshot, whose rows are told first; what comes meanwhile is held, and of that only what lies beyond the
/// rows is told after. A client that reads slowly has the last value of everything held for it; where even that is too much, it is told to
/// begin anew.
struct LiveSession {
    static let mostSubscriptions = 64
    /// Bytes of items in one frame, about.
    static let frameBytes = 256 << 10

    /// How far the row of a snapshot is.
    struct Floor {
        var position: InputPosition?
        var revision: Int64
    }

    /// What a row of a snapshot is of.
    struct FloorKey: Hashable {
        var thing: ByteText
        var kind: LiveKind
        /// As `LiveItem.key`.
        var key: ByteText = ""
    }

    private struct Entry {
        var subscription: LiveSubscription
        /// Nil: all of a twin.
        var filter: LivePathFilter?
        /// Nil: it is live.
        var waiting: LiveHeld?
        /// Of the rows that its snapshot has told. Its own: a row has only what its filter takes.
        var floors: [FloorKey: Floor] = [:]
    }

    /// What came of new rights.
    enum Rights { case same, fewer, more }

    private(set) var principal: Principal
    private let mostBytes: Int
    private var entries: [Entry] = []
    /// As they go into the next frame; nothing is held then.
    private var fresh: [(item: LiveItem, parts: [LiveItem.Part], json: [UInt8])] = []
    private var freshBytes = 0
    private var held = LiveHeld()
    /// More was to be held than there is room for; all of it is gone.
    private(set) var hasOverflowed = false
    /// Values that the client did not get because later ones replaced them.
    var coalesced: Int { held.coalesced }

    /// - Parameter mostBytes: that wait for the client at most.
    init(principal: Principal, mostBytes: Int) {
        self.principal = principal
        self.mostBytes = mostBytes
    }

    // MARK: Subscriptions

    var subscriptions: [LiveSubscription] { entries.map(\.subscription) }

    /// Begins; one of the same name is replaced. With `waits` what comes is held until `release`.
    mutating func subscribe(_ subscription: LiveSubscription, filter: LivePathFilter?, waits: Bool) throws(Problem) {
        entries.removeAll { $0.subscription.id == subscription.id }
        guard entries.count < Self.mostSubscriptions else { throw .tooManySubscriptions(Self.mostSubscriptions) }
        entries.append(Entry(subscription: subscription, filter: filter, waiting: waits ? LiveHeld() : nil))
    }

    /// False where there is none of that name.
    mutating func unsubscribe(_ id: String) -> Bool {
        let before = entries.count
        entries.removeAll { $0.subscription.id == id }
        return entries.count < before
    }

    /// A row of the subscription's snapshot goes out: what the log told up to there is in it.
    mutating func note(_ id: String, _ key: FloorKey, _ floor: Floor) {
        guard let place = entries.firstIndex(where: { $0.subscription.id == id }) else { return }
        entries[place].floors[key] = floor
    }

    /// All rows of the snapshot are told: what was held comes next.
    mutating func release(_ id: String) {
        guard let place = entries.firstIndex(where: { $0.subscription.id == id }), let waiting = entries[place].waiting
        else { return }
        entries[place].waiting = nil
        settle()
        var merged = held
        held = LiveHeld()
        merged.merge(waiting) { isBeyondFloor($0, at: place) }
        held = merged
        bound()
    }

    /// Some subscription's snapshot is not complete: no token may be given yet.
    var isWaiting: Bool { entries.contains { $0.waiting != nil } }

    // MARK: Items

    /// The log goes on. A subscription whose snapshot is not complete holds the item for itself; that others have it at once, and the
    /// client then twice, changes nothing.
    mutating func offer(_ item: LiveItem) {
        guard sees(item) else { return }
        var filters: [LivePathFilter] = []
        var isWhole = false
        var isMeant = false
        for place in entries.indices where entries[place].subscription.matches(item) {
            if entries[place].waiting != nil {
                wait(item, at: place)
                continue
            }
            guard isBeyondFloor(item, at: place) else { continue }
            isMeant = true
            if let filter = entries[place].filter { filters.append(filter) } else { isWhole = true }
        }
        guard isMeant else { return }
        if isWhole || item.kind != .twin { return add(item, item.parts, item.json) }
        if filters.count == 1 {
            switch filters[0].choose(item) {
            case .all: add(item, item.parts, item.json)
            case .none: break
            case .some(let parts, let json): add(item, parts, json)
            }
            return
        }
        let parts = item.parts.filter { part in filters.contains { $0.takes(part) } }
        if parts.isEmpty, item.change == .changed, !item.isReload { return }
        add(item, parts, item.json(item.change, isReload: item.isReload, parts: parts))
    }

    private mutating func wait(_ item: LiveItem, at place: Int) {
        let filter = entries[place].filter
        let parts = filter.map { filter in item.parts.filter { filter.takes($0) } } ?? item.parts
        if item.kind == .twin, parts.isEmpty, !item.parts.isEmpty, item.change == .changed, !item.isReload { return }
        entries[place].waiting?.add(item, parts: parts)
        if entries[place].waiting?.bytes ?? 0 > mostBytes { overflow() }
    }

    private mutating func add(_ item: LiveItem, _ parts: [LiveItem.Part], _ json: [UInt8]) {
        if held.isEmpty {
            fresh.append((item, parts, json))
            freshBytes += json.count
            // Far more in one step than a frame: what is said twice is said once.
            if freshBytes > Self.frameBytes { settle() }
        } else {
            held.add(item, parts: parts)
        }
        bound()
    }

    private func sees(_ item: LiveItem) -> Bool {
        principal.role(in: item.project) != nil
    }

    /// Whether the item says more than the row that the client has. Once one did, all later ones do.
    ///
    /// A higher revision does so wherever its record stood: the log may have begun anew (the embedded one does with each start), and a
    /// mended dead letter has its old place. A later place does so whatever the revision: who was deleted and made again begins at 1.
    /// What a model says has no revision of its own, only its place.
    private mutating func isBeyondFloor(_ item: LiveItem, at place: Int) -> Bool {
        guard !entries[place].floors.isEmpty, let thing = item.thing else { return true }
        let key = FloorKey(thing: thing, kind: item.kind, key: item.key ?? "")
        guard let floor = entries[place].floors[key] else { return true }
        let revision = item.kind == .prediction ? nil : item.revision
        let isBeyond: Bool
        if let revision, revision > floor.revision {
            isBeyond = true
        } else if let cause = item.cause, let position = floor.position, cause.topic == position.topic,
            cause.partition == position.partition
        {
            // One record may take several steps of an alert or a property; the last of them is told again, which changes nothing.
            isBeyond = item.kind == .twin ? cause.offset > position.offset : cause.offset >= position.offset
        } else if let revision {
            isBeyond = item.kind != .twin && revision == floor.revision
        } else {
            isBeyond = true
        }
        if isBeyond { entries[place].floors[key] = nil }
        return isBeyond
    }

    // MARK: Frames

    /// Something is to be told.
    var hasPending: Bool { !fresh.isEmpty || !held.isEmpty }

    /// Bytes that wait for the client.
    var heldBytes: Int { freshBytes + held.bytes }

    /// The client does not take it now: of what is pending, the last values are kept.
    mutating func hold() {
        settle()
        bound()
    }

    /// Snapshots begin that have what is pending.
    mutating func dropPending() {
        fresh.removeAll()
        freshBytes = 0
        held.removeAll()
    }

    /// What is pending, as frames; the last of them carries the token, where one can be given.
    mutating func takeFrames(resume: String?) -> [LiveFrame] {
        guard hasPending else { return [] }
        let items = held.isEmpty ? fresh.map(\.json) : held.take()
        fresh.removeAll(keepingCapacity: true)
        freshBytes = 0
        let token = isWaiting ? nil : resume
        var frames: [LiveFrame] = []
        var part: [[UInt8]] = []
        var bytes = 0
        for item in items {
            if bytes > Self.frameBytes {
                frames.append(.changes(part, resume: nil))
                (part, bytes) = ([], 0)
            }
            part.append(item)
            bytes += item.count
        }
        frames.append(.changes(part, resume: token))
        return frames
    }

    /// What waited is lost: every subscription begins anew. Those to begin, once.
    mutating func takeOverflow() -> [LiveSubscription] {
        guard hasOverflowed else { return [] }
        hasOverflowed = false
        return subscriptions
    }

    private mutating func settle() {
        for (item, parts, _) in fresh { held.add(item, parts: parts) }
        fresh.removeAll(keepingCapacity: true)
        freshBytes = 0
    }

    private mutating func bound() {
        if held.bytes > mostBytes { overflow() }
    }

    private mutating func overflow() {
        hasOverflowed = true
        fresh.removeAll()
        freshBytes = 0
        held.removeAll()
        for place in entries.indices { entries[place].floors.removeAll() }
        for place in entries.indices where entries[place].waiting != nil { entries[place].waiting = LiveHeld() }
    }

    // MARK: Rights

    /// The rights are these now: what waits and may no longer be seen is dropped.
    mutating func update(_ principal: Principal) -> Rights {
        guard principal.isAdmin != self.principal.isAdmin || principal.roles.keys != self.principal.roles.keys else {
            self.principal = principal
            return .same
        }
        let before = self.principal
        self.principal = principal
        settle()
        var seen = held
        seen.filter(sees)
        held = seen
        for place in entries.indices {
            guard var waiting = entries[place].waiting else { continue }
            waiting.filter(sees)
            entries[place].waiting = waiting
        }
        let gained = principal.isAdmin && !before.isAdmin || principal.roles.keys.contains { before.roles[$0] == nil }
        return gained && !before.isAdmin ? .more : .fewer
    }
}

extension Problem {
    static func tooManySubscriptions(_ most: Int) -> Problem {
        Problem(
            code: "too-many-subscriptions", status: .conflict, title: "There are too many subscriptions",
            detail: "One connection has at most \(most) subscriptions; end one, or name several things in one.")
    }
}
