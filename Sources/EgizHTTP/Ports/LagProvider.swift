public import EgizCore

/// Tells where the logs end, for lag. Safe from any thread; may take a round trip to the broker.
public protocol LagProvider: Sendable {
    /// The next offset of each partition as the broker has it now; a partition that does not exist is left out.
    ///
    /// Errors: whatever keeps the broker from answering; the API then shows the lag as unknown and says why.
    func ends(of partitions: [TopicPartition]) async throws -> [TopicPartition: NextOffset]
}
