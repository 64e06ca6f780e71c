public import EgizCore

/// A consumer's place in its group at one moment: what a publishing thread needs to write group offsets on its behalf. Safe from
/// any thread; keeps the client alive. Outdated after the next rebalance: then the broker refuses what is done with it.
public protocol GroupMembership: AnyObject, Sendable {
    /// Writes group offsets outside a transaction and waits for the answer.
    ///
    /// Errors: `.ownership`/`.backoff` where the group has moved on (ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCE_IN_PROGRESS),
    /// `.kafka`/`.backoff` where the broker is away, `.kafka`/`.stop` for what no retry mends.
    func commit(_ offsets: [TopicPartition: GroupOffset]) throws(EngineError)
}
