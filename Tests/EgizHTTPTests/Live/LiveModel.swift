import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizHTTP

/// A server with one client, without a loop, a socket and a database: what `LiveConnection` and `LiveHub` do around `LiveSession`, a step
/// at a time, in whatever order a generator says.
struct LiveModel {
    /// A snapshot that is not complete.
    struct Job {
        var subscription: LiveSubscription
        var principal: Principal
        var after: ByteText?
        var pieces: [LivePiece] = []
    }

    /// How often things happened that are worth a test.
    struct Counts {
        var resumed = 0
        var overflowed = 0
        var rereads = 0
        var restarts = 0
        var compared = 0
    }

    var world = LiveWorld()
    var client = LiveReader()
    var counts = Counts()
    var random: SeededGenerator
    var principal: Principal
    var session: LiveSession
    var history = LiveHistory(mostItems: 25, mostBytes: 1 << 20)
    /// What models said since the log began.
    var answers: [LiveItem] = []
    var jobs: [Job] = []
    var isWritable = true
    /// Whose things are as the hub knows it, and the moves that it has and has not looked at.
    var known: [ByteText: ProjectID] = [:]
    var moves: [LiveMove] = []
    var looked = 0
    var logs = 0
    var names = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        principal = LiveFixture.admin
        session = LiveSession(principal: principal, mostBytes: 2000)
        history.restart(log: "log-0")
    }

    mutating func roll(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    // MARK: Steps

    mutating func step() throws {
        switch roll(40) {
        case 0..<12: try world.happen(&random)
        case 12..<20: try tell(1 + roll(3))
        case 20..<27: try goOn()
        case 27..<32: try read(1 + roll(4))
        case 32: isWritable.toggle()
        case 33: try subscribe()
        case 34: try unsubscribe()
        case 35: try changeRights()
        case 36: move()
        case 37: try look()
        case 38: world.store(LiveWorld.things[roll(5)])
        default: if roll(4) == 0 { try restartLog() } else { try reconnect() }
        }
        if isWritable, roll(3) == 0 { try becameWritable() }
    }

    /// Nothing happens any more, and everybody reads.
    mutating func settle() throws {
        isWritable = true
        try look()
        for thing in LiveWorld.things { world.store(thing) }
        while !world.log.isEmpty || !jobs.isEmpty || session.hasPending || session.hasOverflowed {
            try tell(5)
            try becameWritable()
            try goOn()
        }
        try read(.max)
    }

    // MARK: The server

    /// The log goes on by some records.
    mutating func tell(_ count: Int) throws {
        for record in world.log.prefix(count) {
            let project = record.key.flatMap { known[ByteText(String(decoding: $0, as: UTF8.self))] }
            let item = LiveFixture.item(record, project: project)
            history.append(item)
            if item.kind == .prediction { answers.append(item) }
            session.offer(item)
        }
        world.log.removeFirst(min(count, world.log.count))
        try send()
    }

    var present: String {
        var token = history.token(moves: Int64(looked)).restricted(to: session.kinds)
        token.sight = session.sight
        return token.text
    }

    mutating func send() throws {
        if isWritable, session.hasOverflowed {
            counts.overflowed += 1
            for subscription in session.takeOverflow() { try resync(subscription) }
            return
        }
        guard session.hasPending else { return }
        guard isWritable else { return session.hold() }
        client.wire += session.takeFrames(resume: present)
    }

    mutating func becameWritable() throws { try send() }

    mutating func resync(_ subscription: LiveSubscription) throws {
        client.wire.append(.resync(subscription.id, "anew"))
        try start(subscription)
    }

    mutating func start(_ subscription: LiveSubscription) throws {
        try enter(subscription, waits: true)
        jobs.removeAll { $0.subscription.id == subscription.id }
        jobs.append(Job(subscription: subscription, principal: principal))
    }

    mutating func enter(_ subscription: LiveSubscription, waits: Bool) throws {
        let filter = subscription.patterns.isEmpty ? nil : LivePathFilter(patterns: subscription.patterns)
        try session.subscribe(subscription, filter: filter, waits: waits, hasBase: true)
        if waits { session.remind(subscription.id, of: answers) }
    }

    /// The next step of the snapshot that is read.
    mutating func goOn() throws {
        guard var job = jobs.first else { return }
        let id = job.subscription.id
        if job.pieces.isEmpty {
            session.beginPage(id)
            job.pieces = page(job)
            jobs[0] = job
            return
        }
        guard isWritable else { return }
        try send()
        // What overflowed begins all snapshots anew.
        guard let first = jobs.first, first.subscription.id == id, !first.pieces.isEmpty else { return }
        guard let frames = session.take(job.pieces[0], of: id) else {
            counts.rereads += 1
            jobs[0].pieces = []
            return
        }
        client.wire += frames
        guard let through = job.pieces[0].through else {
            jobs.removeFirst()
            let isComplete = !session.isWaiting && !session.hasPending && !session.hasOverflowed
            client.wire.append(.live(id, resume: isComplete ? present : nil))
            return try send()
        }
        jobs[0].after = through
        jobs[0].pieces.removeFirst()
    }

    /// Two things, each a piece.
    func page(_ job: Job) -> [LivePiece] {
        let things = LiveWorld.things.filter { thing in
            (job.after.map { $0 < thing } ?? true) && shows(job.subscription, thing, world.projects, job.principal)
        }
        var pieces = things.prefix(2).map { thing in
            LivePiece(rows: world.rows(of: thing, for: job.subscription), through: thing)
        }
        if pieces.isEmpty { pieces = [LivePiece()] }
        pieces[pieces.count - 1].isPageEnd = true
        if things.count <= 2 { pieces[pieces.count - 1].through = nil }
        return pieces
    }

    func shows(
        _ subscription: LiveSubscription, _ thing: ByteText, _ projects: [ByteText: ProjectID], _ principal: Principal
    ) -> Bool {
        guard principal.role(in: projects[thing]) != nil, subscription.things?.contains(thing) ?? true else {
            return false
        }
        guard let wanted = subscription.projects else { return true }
        return projects[thing].map { wanted.contains($0) } ?? false
    }

    mutating func restart() throws {
        for subscription in session.restart() { try resync(subscription) }
    }

    /// As `LiveService.check`.
    func mayAsk(_ subscription: LiveSubscription) -> Bool {
        guard subscription.projects?.allSatisfy({ principal.role(in: $0) != nil }) ?? true else { return false }
        return subscription.things?.allSatisfy { principal.role(in: world.projects[$0]) != nil } ?? true
    }

    mutating func dropForbidden() {
        for subscription in session.subscriptions where !mayAsk(subscription) {
            drop(subscription.id)
            client.wire.append(.problem(.noSuchProject("p"), id: subscription.id))
        }
    }

    mutating func drop(_ id: String) {
        jobs.removeAll { $0.subscription.id == id }
        _ = session.unsubscribe(id)
        client.subscriptions[id] = nil
    }
}
