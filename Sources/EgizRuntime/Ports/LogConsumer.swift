public import EgizCore

/// One member of a consumer group, confined to one OS thread. Every call blocks; none is safe from another thread.
public protocol LogConsumer: AnyObject {
    /// The topics, in the order that `RawRecord.topic` counts them.
    var topics: [String] { get }

    /// Joins the group and waits up to `timeout` for records; gathers what is there, up to `limit`.
    ///
    /// Rebalances happen inside this call: the listener is called on this thread and the group waits for its return.
    /// Returns nil when nothing came. Errors: `.kafka`/`.backoff` where the broker is away (poll again),
    /// `.gap`/`.stop` for a position outside the log, `.kafka`/`.stop` for what no retry mends (authorization).
    func poll(limit: Int, timeout: Duration, listener: any AssignmentListener) throws(EngineError)
        -> (any RecordBatch)?

    /// First and next offset of each partition as the broker has them now: a few round trips, however many partitions.
    /// Throws `.kafka`/`.backoff` where one of them is not known.
    func watermarks(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: LogWatermarks]

    /// The next offset of the partition as of the last fetch, without a round trip; nil before the first.
    func cachedEnd(of partition: TopicPartition) -> NextOffset?

    /// Where reading stands in an assigned partition: what lies before it was handed over by a poll, or is nothing for a reader
    /// (marks of transactions, records of aborted ones). Nil where that is not known.
    func readThrough(_ partition: TopicPartition) -> NextOffset?

    /// Reads the one record at `offset` again, for rule 15; nil where it is no longer (or not yet) in the log.
    func mark(at offset: Int64, of partition: TopicPartition) throws(EngineError) -> RecordMark?

    /// The same for many partitions at once: a takeover must not ask for them one by one.
    func marks(at offsets: [TopicPartition: Int64]) throws(EngineError) -> [TopicPartition: RecordMark]

    /// The identity of the cluster this consumer is connected to (a round trip the first time).
    func identity() throws(EngineError) -> LogIdentity

    /// How many partitions each of `topics` has (a round trip).
    func partitionCounts() throws(EngineError) -> [String: Int32]

    /// Moves the fetch position of an assigned partition.
    func seek(_ partition: TopicPartition, to offset: NextOffset) throws(EngineError)

    /// Stops and resumes fetching; prefetched records are thrown away by librdkafka, so prefer not to poll for short pauses.
    func pause(_ partitions: [TopicPartition]) throws(EngineError)
    func resume(_ partitions: [TopicPartition]) throws(EngineError)

    /// Our place in the group as it is now, for writing group offsets from another thread. Throws `.kafka`/`.backoff` where the
    /// group has not let us in.
    func membership() throws(EngineError) -> any GroupMembership

    /// The group offsets with their metadata, stable (of no open transaction); a partition without one is not in the answer. They
    /// are evidence of what was published (rule 9), never a position (contract 1).
    func groupOffsets(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: GroupOffset]

    /// Leaves the group: calls `listener.revoked` for what is still assigned, then frees the client. Idempotent.
    func close(listener: any AssignmentListener)
}

extension LogConsumer {
    public func marks(at offsets: [TopicPartition: Int64]) throws(EngineError) -> [TopicPartition: RecordMark] {
        var marks: [TopicPartition: RecordMark] = [:]
        for (partition, offset) in offsets { marks[partition] = try mark(at: offset, of: partition) }
        return marks
    }

    /// First and next offset of one partition.
    public func watermarks(of partition: TopicPartition) throws(EngineError) -> LogWatermarks {
        guard let marks = try watermarks(of: [partition])[partition] else {
            throw EngineError(.kafka, .backoff, "the offsets of \(partition) are not known")
        }
        return marks
    }
}

/// Offsets of the two ends of a partition.
public struct LogWatermarks: Sendable, Hashable {
    /// The first offset still in the log.
    public var start: NextOffset
    /// The offset the next record will get.
    public var end: NextOffset

    public init(start: NextOffset, end: NextOffset) {
        self.start = start
        self.end = end
    }
}
