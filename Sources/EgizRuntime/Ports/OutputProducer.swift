public import EgizCore

/// Publishes what epochs emit. One a stream thread, confined to its publishing thread; every call blocks.
public protocol OutputProducer: AnyObject {
    /// Where transactional: fences and aborts what an older producer with this transactional id left behind
    /// (`init_transactions`). To be called once before `publish`; a retry after `.backoff` is allowed.
    ///
    /// Errors: `.kafka`/`.backoff` where the broker is away, `.kafka`/`.stop` otherwise.
    func initialize() throws(EngineError)

    /// Publishes all records in order and writes the group offsets: in one Kafka transaction where transactional, otherwise
    /// idempotently, waiting for all acknowledgements, and the offsets after them through the membership.
    ///
    /// Returns only when the broker has everything, or nothing is left to try. On the embedded broker, which stores no offsets in
    /// transactions, the offsets are written through the membership after the transaction.
    /// Errors: `.kafka`/`.backoff` (aborted; the whole batch may be published again), `.kafka`/`.stop` (a fatal error that is not
    /// fencing: open another producer or end).
    func publish(
        _ records: [OutputRecord], offsets: [TopicPartition: GroupOffset], as membership: any GroupMembership
    ) throws(EngineError) -> PublishOutcome

    /// Ends the client without waiting for what is unfinished. Idempotent.
    func close()
}

/// What became of one `publish`.
public enum PublishOutcome: Sendable {
    /// Everything is in the log.
    case published
    /// Kafka will never take these records (index in the batch, and why: too large, invalid, against policy). Nothing of the
    /// batch may be taken as published; publish it again without them (rule 12).
    case refused([Int: EngineError])
    /// Another producer uses our transactional id: our tasks belong to somebody else. This producer is of no more use.
    case fenced
    /// The group has moved on (ILLEGAL_GENERATION, UNKNOWN_MEMBER): nothing was published. Check the ownership of the tasks, then
    /// publish again with a fresh membership (rule 10).
    case outdated
}

/// Opens output producers. Safe from any thread.
public protocol OutputProducerFactory: Sendable {
    /// `transactionalID` nil: idempotent, at least once. `properties` are librdkafka's own and win over our defaults.
    func openOutput(transactionalID: String?, properties: [String: String]) throws(EngineError) -> any OutputProducer

    /// Fences a producer that may still be alive: one `init_transactions` with its id, which aborts its open transaction (rule 10).
    func fence(transactionalID: String, properties: [String: String]) throws(EngineError)

    /// The largest record (bytes of key, value and headers) the producer accepts, for checks when a record is emitted (rule 12).
    func largestRecord(properties: [String: String]) -> Int
}
