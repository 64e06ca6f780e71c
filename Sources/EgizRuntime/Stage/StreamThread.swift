import EgizCore
import EgizProcessors
import EgizTwin
import Foundation
import Logging

/// One OS thread of a stage: owns a consumer, the tasks that the group gave it, and their open epoch.
///
/// Everything but `requestStop` and `status` happens on its own thread, which is why it may be unchecked.
final class StreamThread: @unchecked Sendable {
    /// What a thread of a stage is built from.
    struct Setup: Sendable {
        var stage: StageDefinition
        var delivery: Topology.Delivery
        var policy: CommitPolicy
        var index: Int
        var topologyVersion: Int64
        var registry: ProcessorRegistry
        var worker: WorkerIdentity
        var configuration: WorkerConfiguration
        var kafka: [String: String]
        var consumers: any LogConsumerFactory
        var stores: any StoreFactory
        var outputs: any OutputProducerFactory
        var calls: any CallTransport
        /// What bounds the calls of the stage's threads together.
        var gate: SharedCallGate
        var logger: Logger
    }

    /// The epoch in commit.
    struct Flight {
        var records: Int
        var samples: Int
        var deadLetters: Int
        var since: ContinuousClock.Instant
        /// Of the epoch's only record, where it has one.
        var only: InputPosition?
        /// Dead letters that were tried again in it.
        var redriven: [Int64] = []
        /// Redrive requests moved on in it.
        var hasRedrives = false
        /// Messages of people were consumed in it.
        var hasMessages = false
        /// Timers that fired in it.
        var ticks: Int64 = 0
    }

    let setup: Setup
    let status: StageStatus
    let metrics: StageMetrics
    let topics: [String]
    let historyRetention: HistoryRetention
    var logger: Logger

    var consumer: (any LogConsumer)?
    var store: (any TaskStore)?
    /// Replaced where a commit hangs beyond its deadline.
    var committer: CommitThread
    var pipeline: EpochPipeline
    let publisher: PublishThread
    /// What all clients of this thread's transactions are called; nil where delivery is at least once.
    let transactionalID: String?
    var tables = StreamTables()
    /// The tables have grown beyond their bound: they are made anew when nothing is under way.
    var needsFreshTables = false
    /// The tasks in hand, by partition number.
    var tasks: [Int32: OwnedTask] = [:]
    /// Tasks that the group gave us and that are not taken over yet, with the earliest time to try again.
    var pending: [Int32: ContinuousClock.Instant] = [:]
    var takeoverBackoff = Backoff()
    var extras = EpochExtras()
    var inFlight: Flight?
    /// The search for a record that Postgres refuses, while there is one.
    var halving: CommitHalving?
    /// Records that Postgres refused, with its error.
    var condemned: [InputPosition: EngineError] = [:]
    /// Letters whose retry Postgres refused, with its error; they are tried one by one until they are found.
    var condemnedLetters: [Int64: EngineError] = [:]
    var redrivesSingly = false
    /// When the requests of people were last looked for.
    var redriveLook = ContinuousClock.now
    /// The last look found letters, and their epoch is not committed yet.
    var isRedriving = false
    var lastAcknowledged = ContinuousClock.now
    /// The identity of the database; known once the thread is open.
    var databaseID = ""
    /// The registry in force, and one that is to be; loaded only where the stage has rules.
    var registry: RuleRegistry?
    var nextRegistry: RuleRegistry?
    var registryLook = ContinuousClock.now
    /// How long after the last look the next one is.
    var registryPause: Duration
    /// Rules have just changed: until then epochs are short, so that people see what events come to under them.
    var isHastyUntil: ContinuousClock.Instant?
    /// The last look found messages of people, and their epoch is not committed yet.
    var isReceiving = false
    var inboxLook = ContinuousClock.now
    /// The calls of the stage, where it is a caller's.
    var desk: CallDesk?
    /// Since when the desk has had no room for records.
    var deskFullSince: ContinuousClock.Instant?
    /// Says after a trap which record it was.
    var crashGuard: CrashGuard?
    /// Set where the thread must end with an error; the loop leaves at the next turn.
    var failure: EngineError?
    /// The partitions are paused until the running commit is done.
    var isPausedForCommit = false
    /// Which ones; what was taken over or resumed since is not among them.
    var pausedForCommit: Set<TopicPartition> = []
    /// Partitions whose revocation is being served.
    var leaving: Set<Int32> = []
    /// By when it must be answered.
    var leaveBy: Date?
    /// A position fell out of the log; see `reportGaps`.
    var hasGap = false
    /// When the tasks were last looked at for `idle`.
    var idleLook = ContinuousClock.now
    /// When the lag was last reckoned.
    var lagLook = ContinuousClock.now
    var pollBackoff = Backoff()
    /// Set while the log is away: when it was last asked whether it is there again.
    var logLook: ContinuousClock.Instant?

    /// False from a revocation until the group assigns again.
    var hasJoined = false
    var waitingSince: ContinuousClock.Instant?
    var hasWarnedOfWaiting = false

    let stopFlag = Flag()
    private var thread: OSThread?

    init(_ setup: Setup) {
        self.setup = setup
        registryPause = setup.configuration.registryInterval
        topics = setup.stage.source.topics.map(\.name)
        historyRetention = HistoryWriter.retention(of: setup.stage.processors)
        status = StageStatus(stage: setup.stage.name, thread: setup.index)
        metrics = StageMetrics(stage: setup.stage.name)
        var logger = setup.logger
        logger[metadataKey: LogKey.stage] = "\(setup.stage.name)"
        logger[metadataKey: LogKey.thread] = "\(setup.index)"
        self.logger = logger
        pipeline = EpochPipeline(policy: setup.policy)
        committer = Self.makeCommitter(setup, status, logger)
        let id =
            setup.delivery == .exactlyOnce
            ? "\(setup.stage.name.text).\(setup.worker.id).\(setup.index)" : nil
        transactionalID = id
        let stores = setup.stores
        let worker = setup.worker
        publisher = PublishThread(
            name: "egiz-publish-\(setup.index)",
            .init(
                transactionalID: id, properties: setup.kafka, outputs: setup.outputs,
                openStore: { () throws(EngineError) in try stores.openTaskStore(worker: worker) }, status: status,
                logger: logger))
    }

    static func makeCommitter(_ setup: Setup, _ status: StageStatus, _ logger: Logger) -> CommitThread {
        let stores = setup.stores
        let worker = setup.worker
        return CommitThread(
            name: "egiz-commit-\(setup.index)", status: status, logger: logger
        ) { () throws(EngineError) in try stores.openEpochWriter(worker: worker) }
    }

    /// Starts the thread. `onEnd` is called on it when it has ended, with the error that ended it.
    func start(onEnd: @escaping @Sendable (EngineError?) -> Void) {
        thread = OSThread(name: "egiz-\(setup.stage.name)-\(setup.index)") { [self] in
            run()
            onEnd(failure)
        }
    }

    /// Asks the thread to drain and end; returns at once. Safe from any thread.
    func requestStop() { stopFlag.raise() }

    var isStopRequested: Bool { stopFlag.isRaised }

    func joined() async { await thread?.joined() }

    // MARK: The loop

    private func run() {
        do throws(EngineError) {
            try open()
            while failure == nil, !stopFlag.isRaised { try turn() }
            if let failure { throw failure }
            shutDown(draining: true)
            if let failure { throw failure }
            status.enter(.stopped)
        } catch {
            failure = error
            status.enter(.failed(error.message))
            logger.error("stage stopped", metadata: [LogKey.error: "\(error)"])
            shutDown(draining: false)
        }
    }

    private func open() throws(EngineError) {
        try openDesk()
        if let folder = setup.configuration.guardFolder {
            try CrashGuard.check(folder: folder, stage: setup.stage.name, topics: topics)
            crashGuard = CrashGuard(folder: folder, stage: setup.stage.name)
            if crashGuard == nil {
                logger.warning(
                    "the folder of the crash guard cannot be written", metadata: [LogKey.reason: "\(folder)"])
            }
        }
        var backoff = Backoff()
        while !stopFlag.isRaised {
            do throws(EngineError) {
                if consumer == nil {
                    consumer = try setup.consumers.open(
                        group: setup.stage.name.text, topics: topics, properties: setup.kafka)
                }
                if store == nil { store = try setup.stores.openTaskStore(worker: setup.worker) }
                if databaseID.isEmpty, let store { databaseID = try store.databaseID() }
                status.recovered(.store)
                return
            } catch {
                guard error.retry == .backoff else { throw error }
                status.waiting(.store, error.message)
                logger.warning("stage waits to start", metadata: [LogKey.error: "\(error)"])
                stopFlag.wait(until: Date(timeIntervalSinceNow: backoff.next().seconds))
            }
        }
    }

    private func turn() throws(EngineError) {
        let now = ContinuousClock.now
        if pipeline.isCommitting, let outcome = committer.take() { try finishCommit(outcome) }
        try followPublisher(now)
        if try reportGaps() { return }
        if try renewTables() { return }
        if try drainForRedrive(now) { return }
        if try followRegistry(now) { return }
        if !pending.isEmpty { try takeOverPending(now) }
        if let failure { throw failure }
        try unblock(now)
        try redrive(now)
        try receive(now)
        try review()
        try followCalls()
        let open = openWork
        if publisher.unpublishedBytes > setup.configuration.mostUnpublished {
            try awaitPublisher()
            return
        }
        switch pipeline.next(
            now: now, openRecords: open.records, openBytes: open.bytes, isHasty: isHasty(now))
        {
        case .close:
            try closeOrWait()
        case .await:
            try awaitCommit()
        case .poll(let timeout):
            if try awaitCalls() { return }
            try resumeAfterCommit()
            let wait = pending.isEmpty ? timeout : min(timeout, .milliseconds(20))
            try take(timeout: min(wait, patienceForCalls))
        }
    }

    var openWork: (records: Int, bytes: Int) {
        var records = 0
        var bytes = 0
        for task in tasks.values {
            // A tick without a record is work as well.
            records += max(task.step.openRecords + task.step.openTicks, task.step.hasOpenWork ? 1 : 0)
            bytes += task.step.openBytes
        }
        return (records, bytes)
    }

    var assignedPartitions: [TopicPartition] {
        tasks.keys.flatMap { partition in topics.map { TopicPartition($0, partition) } }
    }

    // MARK: The end

    private func shutDown(draining: Bool) {
        isDraining = draining
        consumer?.close(listener: self)
        // A consumer that never joined revokes nothing; what is left is let go without a flush.
        if !tasks.isEmpty { letGo(Array(tasks.keys), flushing: draining) }
        committer.stop(until: Date(timeIntervalSinceNow: 1))
        publisher.stop(until: Date(timeIntervalSinceNow: 1))
        store?.close()
        desk = nil
        consumer = nil
        store = nil
    }

    /// False once the thread has failed: then nothing may be flushed.
    var isDraining = true
}
