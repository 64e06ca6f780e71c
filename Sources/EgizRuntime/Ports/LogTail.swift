public import EgizCore

/// Reads topics from near their ends on, for nobody's progress: without a group, without stored positions.
///
/// Safe from any thread; one caller at a time.
public protocol LogTail: Sendable {
    /// Waits up to `wait` for records and gives what is there, up to `limit` and 16 MiB.
    ///
    /// Errors: `.kafka`/`.backoff` where the broker is away (ask again). A log that was made anew, or lost what was to be read next, is
    /// no error: the batch says `isNewLog`, and reading goes on at its end.
    func next(limit: Int, wait: Duration) async throws -> TailBatch

    /// Ends reading and frees the client. Idempotent.
    func close() async
}

/// Records of a tail, in the order of each partition.
public struct TailBatch: Sendable {
    public struct Record: Sendable {
        public var partition: TopicPartition
        public var offset: Int64
        public var key: [UInt8]?
        public var value: [UInt8]?
        /// Of the record in the log.
        public var time: Int64

        public init(partition: TopicPartition, offset: Int64, key: [UInt8]?, value: [UInt8]?, time: Int64) {
            (self.partition, self.offset, self.key, self.value, self.time) = (partition, offset, key, value, time)
        }
    }

    /// Names the log: positions of another one mean nothing in it.
    public var log: String
    public var records: [Record] = []
    /// Where reading of a partition began: those that are new in this batch.
    public var started: [TopicPartition: NextOffset] = [:]
    /// Where those ended when reading began that were there from the first: what lies before is the past. None of a topic that appeared
    /// while we read.
    public var ends: [TopicPartition: NextOffset] = [:]
    /// The next offset of each partition of the batch, behind the marks of transactions that were passed.
    public var positions: [TopicPartition: NextOffset] = [:]
    /// What was read before belongs to another log, or is not followed by this: `started` names every partition.
    public var isNewLog = false

    public init(log: String) { self.log = log }
}
