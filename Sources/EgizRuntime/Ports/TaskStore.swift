public import EgizCore
public import EgizTwin

/// The stream thread's own connection to the store: ownership and lazy restores. Confined to one thread; every call blocks,
/// reconnects by itself, and throws `.postgres`/`.backoff` where the database is away.
public protocol TaskStore: AnyObject {
    /// Takes the tasks over: `owner_epoch + 1`, terminating the backend of a stopped owner that holds a row lock
    /// (rule 3). Registers the stage with its partition count; throws `.topology`/`.stop` where the stored count differs (rule 13).
    ///
    /// The transactional ids of the former owners stay in the rows until `name`: where a takeover fails half way, the next one must
    /// still know whom to fence.
    func acquire(_ tasks: [TaskID], partitions: Int32, topologyVersion: Int64) throws(EngineError) -> [TaskLease]

    /// Stores under which id this worker publishes, once the former owners' producers are fenced and before anything is
    /// published (rule 10); nil: nothing is. Throws `.ownership`/`.backoff` where a task is no longer ours.
    func name(_ transactionalID: String?, of leases: [TaskLease]) throws(EngineError)

    /// Gives tasks back cleanly (owner cleared, the fence stays). A task that is no longer ours is left alone; returns those.
    @discardableResult
    func release(_ leases: [TaskLease]) throws(EngineError) -> [TaskID]

    /// Sets the positions of tasks that were just acquired, in one fenced transaction for all of them: a baseline, a reported
    /// gap, or another log whose offsets put the stored ones aside (design, "The embedded default"). Writes `log_gap` too.
    ///
    /// Throws `.ownership`/`.backoff` where another worker took over one of them meanwhile; then nothing is set.
    func reposition(_ moves: [TaskMove]) throws(EngineError)

    /// The rows of these things: of the twin projector, and the snapshots of the named processors of the stage. One round trip.
    ///
    /// Errors: `.state`/`.stop` with the key for a snapshot whose frame or checksum is broken.
    func restore(_ things: [ThingID], of stage: StageName, states processors: [String]) throws(EngineError)
        -> RestoredThings

    /// The task's timers in the order in which they fire, those beyond `after`, at most `limit`.
    func timers(of task: TaskID, after: TaskTimer?, limit: Int) throws(EngineError) -> [TaskTimer]

    /// The outboxes of the task that nobody deleted, by epoch. Throws `.ownership`/`.backoff` where the task is not ours any more: a
    /// later owner's would be published as if they were ours.
    func outboxes(of lease: TaskLease) throws(EngineError) -> [Outbox]

    /// Deletes acknowledged outboxes of tasks that are still ours, outside an epoch: for idle tasks and before a release (rule 9).
    func delete(_ acknowledged: [Outbox.Acknowledgement], of leases: [TaskLease]) throws(EngineError)

    /// Moves records of an outbox that Kafka refuses for ever to the table `dead_output`, in a fenced transaction (rule 12):
    /// `refused` counts in the stored outbox, which keeps the others. Throws `.ownership`/`.backoff` where the task is not ours.
    func refuse(_ refused: [Int: EngineError], of outbox: Outbox, lease: TaskLease) throws(EngineError)

    /// Which of these tasks are not ours any more.
    func lost(of leases: [TaskLease]) throws(EngineError) -> [TaskID]

    /// The next letters of the oldest open request of each of these tasks, at most `limit` each (rule 18).
    func redrives(of leases: [TaskLease], limit: Int) throws(EngineError) -> [RedriveBatch]

    /// Letters of these tasks that are tried again by themselves and are due at the stream time given, by when they were due, at most
    /// `limit` each; as batches of no request (0).
    func dueRetries(of leases: [(lease: TaskLease, streamTime: EventTime)], limit: Int) throws(EngineError)
        -> [RedriveBatch]

    /// What identifies the database among others: dead letters on their way carry it in the header `egiz-db`.
    func databaseID() throws(EngineError) -> String

    /// Things with parked records and their numbers, by task.
    func parked(of tasks: [TaskID]) throws(EngineError) -> [TaskID: [ThingID: Int]]

    /// The registry, where it has another version than `version`; nil where not (rule 20).
    func registry(after version: Int64?) throws(EngineError) -> RuleRegistry?

    /// Things of the task with a twin, deleted ones included, in the order of their ids, those beyond `after`, at most `limit`.
    func things(of task: TaskID, after: String, limit: Int) throws(EngineError) -> [ThingID]

    /// Those of these things that have a twin of the task, deleted ones included.
    func things(of task: TaskID, among things: [ThingID]) throws(EngineError) -> [ThingID]

    /// The oldest messages of people to these tasks, in their order, at most `limit` (rule 19).
    func inbox(of leases: [TaskLease], limit: Int) throws(EngineError) -> [InboxMessage]

    func close()
}

extension TaskStore {
    /// The twins alone.
    public func loadTwins(_ things: [ThingID]) throws(EngineError) -> [TwinRow] {
        try restore(things, of: StageName(topology: "", source: ""), states: []).twins
    }

    /// Sets the positions of one task.
    public func reposition(
        _ lease: TaskLease, to positions: [String: NextOffset], log: LogIdentity, gaps: [LogGap]
    ) throws(EngineError) {
        try reposition([TaskMove(lease: lease, positions: positions, log: log, gaps: gaps)])
    }
}

/// A stretch of a log that was not processed, and why (contract 8).
public struct LogGap: Sendable {
    public enum Reason: String, Sendable {
        /// Retention passed the stored offset.
        case retention
        /// The stored offset lies beyond the end of the log.
        case truncated
        /// The cluster is another one than the offsets were taken from.
        case cluster
        /// The last processed record is not the one in the log: the topic was recreated.
        case recreated
        /// A new embedded log: expected, not an error.
        case embedded
        /// Kafka has outputs of epochs that Postgres does not know: Postgres went back in time (rule 9).
        case evidence
    }

    public var topic: String
    public var partition: Int32
    public var from: NextOffset
    public var to: NextOffset
    public var reason: Reason

    public init(topic: String, partition: Int32, from: NextOffset, to: NextOffset, reason: Reason) {
        self.topic = topic
        self.partition = partition
        self.from = from
        self.to = to
        self.reason = reason
    }
}
