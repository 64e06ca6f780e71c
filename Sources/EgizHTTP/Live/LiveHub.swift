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
        case items([LiveItem])
        /// The log can no longer say what came since.
        case resync
    }

    private static let mostOwners = 200_000

    private let tail: any LogTail
    private let queries: LiveQueries
    private let settings: LiveSettings
    private let logger: Logger
    private let shards = Mutex<[ObjectIdentifier: LiveShard]>([:])
    private let parser = JSONParser()
    private var history: LiveHistory
    private var owners: [ByteText: (project: ProjectID?, until: ContinuousClock.Instant)] = [:]
    /// Whether the log was reached; until then nobody can be told anything.
    private(set) var isReady = false

    init(tail: any LogTail, queries: LiveQueries, settings: LiveSettings, logger: Logger) {
        self.tail = tail
        self.queries = queries
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
        var backoff = Backoff(first: .milliseconds(100), most: .seconds(5))
        var next = ContinuousClock.now
        while !Task.isCancelled {
            do {
                try await Task.sleep(until: next, clock: .continuous)
                next = .now + settings.tick
                let batch = try await tail.next(limit: 20_000, wait: .milliseconds(250))
                next = max(next, .now)
                backoff.reset()
                await take(batch)
            } catch is CancellationError {
                break
            } catch {
                logger.warning("live push cannot read the log", metadata: ["egiz.error": "\(error)"])
                next = .now + backoff.next()
            }
        }
        for shard in all { shard.loop.execute { shard.closeAll(.goingAway) } }
        await tail.close()
    }

    private func take(_ batch: TailBatch) async {
        // Looked up before anything changes here: a client that comes back meanwhile is served from what is complete.
        let projects = await projects(of: batch.records)
        let wasReady = isReady
        isReady = true
        if batch.isNewLog {
            history.restart(log: batch.log)
            for (partition, start) in batch.started { history.start(partition, at: start.raw) }
            if wasReady {
                logger.notice("live push reads another log; all clients begin anew")
                let token = history.token.text
                for shard in all { shard.loop.execute { shard.restart("the log is another one", token: token) } }
            }
        }
        for (partition, start) in batch.started { history.start(partition, at: start.raw) }
        var items: [LiveItem] = []
        items.reserveCapacity(batch.records.count)
        for record in batch.records {
            let thing = LiveItem.thing(of: record)
            guard let item = LiveItem(record, project: thing.flatMap { projects[$0] }, parser: parser) else { continue }
            items.append(item)
            history.append(item)
        }
        for (partition, position) in batch.positions { history.advance(partition, to: position.raw) }
        let sent = LiveShard.Batch(items: items, token: history.token.text)
        for shard in all { shard.loop.execute { shard.receive(sent) } }
    }

    /// The projects of the things that records are about, at most 2 s old; of those that cannot be looked up nobody but an admin is told.
    private func projects(of records: [TailBatch.Record]) async -> [ByteText: ProjectID] {
        let now = ContinuousClock.now
        var wanted: [ByteText: ProjectID] = [:]
        var stale: Set<ByteText> = []
        for record in records {
            guard let thing = LiveItem.thing(of: record) else { continue }
            if let known = owners[thing], known.until > now {
                wanted[thing] = known.project
            } else {
                stale.insert(thing)
            }
        }
        guard !stale.isEmpty else { return wanted }
        do {
            let asked = Array(stale)
            let found = try await queries.projects(of: asked.map(\.text))
            if owners.count + stale.count > Self.mostOwners { owners.removeAll() }
            for (thing, project) in zip(asked, found) {
                owners[thing] = (project, now + settings.rightsInterval)
                wanted[thing] = project
            }
        } catch {
            logger.debug("the projects of things are not known", metadata: ["egiz.error": "\(error)"])
        }
        return wanted
    }

    /// Says what came since a token and calls `body` with it on the client's loop, before anything later is handed over there.
    func replay(_ token: LiveToken, on loop: any EventLoop, _ body: @escaping @Sendable (Replay) -> Void) {
        let replay = history.since(token).map(Replay.items) ?? .resync
        loop.execute { body(replay) }
    }
}
