import EgizCore
import EgizPostgres

/// What one client gets: decides, holds and orders; knows no socket, no clock and no database.
///
/// A subscription begins with a snapshot, whose rows are told first (`LiveReading` says what becomes of what comes meanwhile); then only
/// what lies beyond the rows is told. A client that reads slowly has the last value of everything held for it; where even that is too much, it is told to
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

    /// What came of new rights.
    enum Rights { case same, fewer, more }

    private(set) var principal: Principal {
        didSet { sight = principal.sight }
    }
    /// Of the principal; asked for with every frame.
    private(set) var sight: UInt64
    private let mostBytes: Int
    private var entries: [LiveEntry] = []
    /// Of all subscriptions, as `LiveKind.mask`.
    private(set) var kinds: UInt8 = 0
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
        sight = principal.sight
        self.mostBytes = mostBytes
    }

    // MARK: Subscriptions

    var subscriptions: [LiveSubscription] { entries.map(\.subscription) }

    /// Begins; one of the same name is replaced. With `waits` it is live when the last piece of its snapshot was taken.
    ///
    /// - Parameter hasBase: without a snapshot the client goes on from where it was.
    mutating func subscribe(
        _ subscription: LiveSubscription, filter: LivePathFilter?, waits: Bool, hasBase: Bool = false
    ) throws(Problem) {
        entries.removeAll { $0.subscription.id == subscription.id }
        guard entries.count < Self.mostSubscriptions else { throw .tooManySubscriptions(Self.mostSubscriptions) }
        entries.append(
            LiveEntry(
                subscription: subscription, filter: filter, hasBase: waits || hasBase,
                reading: waits ? LiveReading() : nil))
        noteKinds()
    }

    /// False where there is none of that name.
    mutating func unsubscribe(_ id: String) -> Bool {
        let before = entries.count
        entries.removeAll { $0.subscription.id == id }
        noteKinds()
        return entries.count < before
    }

    private mutating func noteKinds() { kinds = entries.reduce(0) { $0 | LiveKind.mask($1.subscription.kinds) } }

    private func place(of id: String) -> Int? { entries.firstIndex { $0.subscription.id == id } }

    // MARK: Snapshots

    /// A page of the snapshot is about to be read.
    mutating func beginPage(_ id: String) {
        guard let place = place(of: id) else { return }
        entries[place].reading?.beginPage()
    }

    /// The next piece of the snapshot goes out: what goes to the client, in this order. Nil: too much came meanwhile, and the page has to
    /// be read again behind the pieces that are out.
    mutating func take(_ piece: LivePiece, of id: String) -> [LiveFrame]? {
        guard let place = place(of: id), let reading = entries[place].reading else { return [] }
        guard !reading.isSpoiled else { return nil }
        // What is pending is older than the rows, and would take the client back behind them.
        var frames = takeFrames(resume: nil)
        var rows: [[UInt8]] = []
        for row in piece.rows where !reading.isBehind(row) {
            entries[place].note(row)
            rows.append(row.json)
        }
        if !rows.isEmpty { frames.append(.snapshot(id, rows)) }
        var merged = held
        held = LiveHeld()
        merged.merge(reading.held) { item in
            guard let thing = item.thing, piece.through.map({ thing <= $0 }) ?? true else { return false }
            return entries[place].isBeyondFloor(item)
        }
        held = merged
        if let through = piece.through {
            entries[place].reading?.advance(to: through, isPageEnd: piece.isPageEnd)
        } else {
            entries[place].reading = nil
        }
        bound()
        return frames
    }

    /// Some subscription's snapshot is not complete: no token may be given yet.
    var isWaiting: Bool { entries.contains { $0.reading != nil } }

    /// Called from time to time: what the rows of snapshots were compared with is forgotten when the log has long told what was under way.
    mutating func forgetFloors() {
        for place in entries.indices { entries[place].age() }
    }

    // MARK: Items

    /// The log goes on.
    mutating func offer(_ item: LiveItem) {
        guard sees(item) else { return }
        var filters: [LivePathFilter] = []
        var isWhole = false
        var isMeant = false
        for place in entries.indices where entries[place].subscription.matches(item) {
            guard entries[place].tells(item, mostBytes: mostBytes) else { continue }
            isMeant = true
            if let filter = entries[place].filter { filters.append(filter) } else { isWhole = true }
        }
        if isMeant { add(item, filters, isWhole: isWhole) }
        if entries.contains(where: { $0.reading?.isTooMuch == true }) { overflow() }
    }

    /// A snapshot is about to be read, and of what models said before it the database may have nothing yet: that is told first, and rows
    /// that are older are left out.
    mutating func remind(_ id: String, of answers: [LiveItem]) {
        guard let own = place(of: id) else { return }
        for item in answers where sees(item) && entries[own].subscription.matches(item) {
            if entries[own].tells(item, mostBytes: mostBytes) { add(item, [], isWhole: true) }
        }
    }

    /// What came while the client was away goes to the subscription that asks for it. Others that have told it already, with all of it,
    /// have told it; where they have told a part, that is told again, so that what comes and goes keeps its order.
    mutating func replay(_ items: [LiveItem], to id: String) {
        guard let own = place(of: id) else { return }
        for item in items where sees(item) && entries[own].subscription.matches(item) {
            guard entries[own].isBeyondFloor(item) else { continue }
            let others = entries.indices.filter { place in
                let entry = entries[place]
                return place != own && entry.hasBase && entry.reading == nil && entry.subscription.matches(item)
            }
            switch item.kind {
            // No snapshot has them: whether another subscription has told them is not known.
            case .notification, .topology: break
            case .twin: if others.contains(where: { entries[$0].filter == nil }) { continue }
            case .binding, .alert, .prediction: if !others.isEmpty { continue }
            }
            guard let filter = entries[own].filter else {
                add(item, [], isWhole: true)
                continue
            }
            add(item, [filter] + others.compactMap { entries[$0].filter }, isWhole: false)
        }
    }

    /// - Parameter isWhole: somebody wants all of it, whatever the filters take.
    private mutating func add(_ item: LiveItem, _ filters: [LivePathFilter], isWhole: Bool) {
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

    private mutating func dropPending() {
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

    /// Snapshots begin for all subscriptions: what is pending is in them, or of another log.
    mutating func restart() -> [LiveSubscription] {
        dropPending()
        hasOverflowed = false
        for place in entries.indices { entries[place].restart() }
        return subscriptions
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
        dropPending()
        for place in entries.indices { entries[place].restart() }
    }

    // MARK: Rights

    /// Whether what is told of things that went from one project to another is not what it was.
    func isConcerned(by moves: [LiveMove]) -> Bool {
        entries.contains { entry in moves.contains { $0.concerns(entry.subscription, of: principal) } }
    }

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
            guard var reading = entries[place].reading else { continue }
            reading.held.filter(sees)
            entries[place].reading = reading
        }
        let gained = principal.isAdmin && !before.isAdmin || principal.roles.keys.contains { before.roles[$0] == nil }
        return gained && !before.isAdmin ? .more : .fewer
    }
}
