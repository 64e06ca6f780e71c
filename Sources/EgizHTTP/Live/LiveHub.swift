import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Logging
import NIOCore
import Synchronization

/// Reads the notifications of the log once for all clients of the process and hands them to the shards, in order; remembers the last of
/// them for those who come back.
actor LiveHub {
    /// What a client gets that says where it was.
    enum Replay: Sendable {
        /// What came since, and which things went from one project to another since.
        case items([LiveItem], [LiveMove])
        /// The log can no longer say what came since.
        case resync
    }

    private static let mostOwners = 200_000
    private static let mostMoves = 10_000

    private let tail: any LogTail
    private let owners: any LiveOwners
    private let settings: LiveSettings
    private let logger: Logger
    private let shards = Mutex<[ObjectIdentifier: LiveShard]>([:])
    private let parser = JSONParser()
    private var history: LiveHistory
    private var answers = LiveAnswers()
    /// Whose things are, as far as asked; exact as of the last look at what moved.
    private var known: [ByteText: ProjectID?] = [:]
    private var moves: [LiveMove] = []
    /// The last move that is known; nil: not looked yet.
    private var lastMove: Int64?
    /// Moves after this one are in `moves`.
    private var firstMove: Int64 = 0
    private var nextLook = ContinuousClock.now
    /// Where the log ended when reading of it began: what lies before is no news.
    private var ends: [TopicPartition: Int64] = [:]
    /// The log was reached, and its past read to the end.
    private var isReady = false
    private var readyBy = ContinuousClock.now
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var waits = 0

    init(tail: any LogTail, owners: any LiveOwners, settings: LiveSettings, logger: Logger) {
        self.tail = tail
        self.owners = owners
        self.settings = settings
        self.logger = logger
        history = LiveHistory(mostItems: settings.keptRecords, mostBytes: settings.keptBytes)
    }

    /// The shard of an event loop.
    nonisolated func shard(of loop: any EventLoop) -> LiveShard {
        shards.withLock { shards in
            if let known = shards[ObjectIdentifier(loop)] { return known }
            let made = LiveShard(loop: loop)
            shards[ObjectIdentifier(loop)] = made
            return made
        }
    }

    private nonisolated var all: [LiveShard] { shards.withLock { Array($0.values) } }

    /// Runs until the task is cancelled; then every client is told that the server goes away.
    func run() async {
        var backoff = Backoff(first: .milliseconds(100), most: .seconds(1))
        var next = ContinuousClock.now
        while !Task.isCancelled {
            do {
                try await Task.sleep(until: next, clock: .continuous)
                next = .now + settings.tick
                let batch = try await tail.next(limit: 20_000, wait: .milliseconds(250))
                next = max(next, .now)
                backoff.reset()
                try await take(batch)
            } catch is CancellationError {
                break
            } catch {
                logger.warning("live push cannot read the log", metadata: ["egiz.error": "\(error)"])
                next = .now + backoff.next()
            }
        }
        for number in waiting.keys { wake(number) }
        for shard in all { shard.loop.execute { shard.closeAll(.goingAway) } }
        await tail.close()
    }

    private func take(_ batch: TailBatch) async throws {
        // Looked up before anything changes here: a client that comes back meanwhile is served from what is complete.
        let (moved, isWhole) = try await answered { try await self.look() }
        try await answered { try await self.lookUp(batch.records) }
        if batch.isNewLog {
            logger.info("live push reads a log", metadata: ["egiz.log": "\(batch.log)"])
            history.restart(log: batch.log)
            ends = batch.ends.mapValues(\.raw)
            (isReady, readyBy) = (false, .now + settings.readyDeadline)
            // Also who came before the log was reached: what lies between their snapshots and the log's end is not told.
            for shard in all { shard.loop.execute { shard.restart("the log is another one") } }
        }
        if !isWhole {
            for shard in all { shard.loop.execute { shard.restart("what may be seen is not what it was") } }
        } else if !moved.isEmpty {
            for shard in all { shard.loop.execute { shard.moved(moved) } }
        }
        for (partition, start) in batch.started { history.start(partition, at: start.raw) }
        var news: [LiveItem] = []
        news.reserveCapacity(batch.records.count)
        for record in batch.records {
            let project: ProjectID? = LiveItem.thing(of: record).flatMap { known[$0] ?? nil }
            guard let item = LiveItem(record, project: project, parser: parser), answers.takes(item) else { continue }
            history.append(item)
            // The past is in the snapshots; but what a model says may be in the log before it is in the database.
            let isPast = item.offset < ends[item.partition] ?? 0
            if !isPast || item.kind == .prediction { news.append(item) }
        }
        for (partition, position) in batch.positions { history.advance(partition, to: position.raw) }
        if known.count > Self.mostOwners { known.removeAll() }
        // A transaction that hangs, or a topic that was deleted meanwhile, is not waited for.
        if !isReady, history.isBeyond(ends) || .now >= readyBy { ready() }
        let sent = LiveShard.Batch(items: news, token: isReady ? history.token(moves: lastMove ?? 0) : nil)
        // A loop that is behind is waited for: what comes meanwhile is then one larger batch, in which more of a client's changes share
        // a frame, and not batch after batch that queues up before the loop.
        let received = all.map { shard in shard.loop.submit { shard.receive(sent) } }
        for one in received { try? await one.get() }
    }

    // MARK: Whose things are

    /// Asks until there is an answer: without one, changes would be kept from those who may see them. The log waits meanwhile.
    private func answered<T>(_ ask: () async throws -> T) async throws -> T {
        var backoff = Backoff(first: .milliseconds(100), most: .seconds(1))
        var isSaid = false
        while true {
            do { return try await ask() } catch is CancellationError { throw CancellationError() } catch {
                if !isSaid {
                    logger.warning(
                        "live push waits: it is not known whose things are", metadata: ["egiz.error": "\(error)"])
                }
                isSaid = true
            }
            try await Task.sleep(for: backoff.next())
        }
    }

    /// What has moved since the last look. `isWhole` is false where that is not known in full.
    private func look() async throws -> (moves: [LiveMove], isWhole: Bool) {
        guard .now >= nextLook else { return ([], true) }
        let found = try await owners.moves(after: lastMove)
        nextLook = .now + settings.rightsInterval
        defer { lastMove = found.last }
        if lastMove == nil { firstMove = found.last }
        guard found.isWhole else {
            known.removeAll()
            moves.removeAll()
            firstMove = found.last
            return ([], false)
        }
        guard !found.moves.isEmpty else { return ([], true) }
        forget(found.moves)
        moves += found.moves
        if moves.count > Self.mostMoves {
            firstMove = moves[moves.count - Self.mostMoves - 1].id
            moves.removeFirst(moves.count - Self.mostMoves)
        }
        return (found.moves, true)
    }

    private func forget(_ moves: [LiveMove]) {
        for move in moves where !move.isNamespace { known[ByteText(move.subject)] = nil }
        let namespaces = Set(moves.filter(\.isNamespace).map { ByteText($0.subject) })
        guard !namespaces.isEmpty else { return }
        for thing in known.keys where namespaces.contains(ByteText(String(thing.text.prefix { $0 != ":" }))) {
            known[thing] = nil
        }
    }

    /// Looks up whose the things are that records are about.
    private func lookUp(_ records: [TailBatch.Record]) async throws {
        let asked = Set(records.compactMap { LiveItem.thing(of: $0) }).filter { known[$0] == nil }.map(\.text)
        guard !asked.isEmpty else { return }
        for (thing, project) in zip(asked, try await owners.projects(of: asked)) {
            known[ByteText(thing)] = .some(project)
        }
    }

    // MARK: Who comes back

    /// Says what came since a token and calls `body` with it on the client's loop, before anything later is handed over there.
    ///
    /// - Parameter kinds: that the client asks for, as `LiveKind.mask`.
    func replay(
        _ token: LiveToken, kinds: UInt8, on loop: any EventLoop, _ body: @escaping @Sendable (Replay) -> Void
    ) async {
        // A server that has just started does not have the past yet: all who come back at once would begin anew.
        if !isReady { await untilReady() }
        let replay: Replay
        // Nor is it said to those who come while that takes too long that they have missed nothing.
        if isReady, let items = history.since(token, kinds: kinds), token.moves >= firstMove {
            replay = .items(items, moves.filter { $0.id > token.moves })
        } else {
            replay = .resync
        }
        loop.execute { body(replay) }
    }

    private func untilReady() async {
        waits += 1
        let number = waits
        let deadline = Task { [settings] in
            try await Task.sleep(for: settings.readyDeadline)
            wake(number)
        }
        await withCheckedContinuation { waiting[number] = $0 }
        deadline.cancel()
    }

    private func wake(_ number: Int) { waiting.removeValue(forKey: number)?.resume() }

    private func ready() {
        isReady = true
        // What is still to come of the past was not told to who came back before it, and is news.
        ends = [:]
        for number in waiting.keys { wake(number) }
    }
}
