public import EgizCore
public import EgizTwin

/// The stream thread's own connection to the store: ownership and lazy restores. Confined to one thread; every call blocks,
/// reconnects by itself, and throws `.postgres`/`.backoff` where the database is away.
public protocol TaskStore: AnyObject {
    /// Takes the tasks over: `owner_epoch + 1`, terminating the backend of a stopped owner that holds a row lock
    /// (rule 3). Registers the stage with its partition count; throws `.topology`/`.stop` where the stored count differs (rule 13).
    func acquire(_ tasks: [TaskID], partitions: Int32, topologyVersion: Int64) throws(EngineError) -> [TaskLease]

    /// Gives tasks back cleanly (owner cleared, the fence stays). A task that is no longer ours is left alone.
    func release(_ leases: [TaskLease]) throws(EngineError)

    /// Sets the positions of tasks that were just acquired, in one fenced transaction for all of them: a baseline, a reported
    /// gap, or another log whose offsets put the stored ones aside (design, "The embedded default"). Writes `log_gap` too.
    ///
    /// Throws `.ownership`/`.backoff` where another worker took over one of them meanwhile; then nothing is set.
    func reposition(_ moves: [TaskMove]) throws(EngineError)

    /// The rows of these things, for the twin projector; a thing without a row is not in the answer.
    func loadTwins(_ things: [ThingID]) throws(EngineError) -> [TwinRow]

    func close()
}

extension TaskStore {
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
