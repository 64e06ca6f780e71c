public import EgizCore

/// What Postgres keeps of a stage that has run once.
public struct StoredStage: Sendable, Equatable {
    public var name: StageName
    public var partitions: Int32
    public var positions: [TopicPartition: NextOffset]
    /// Some task has committed an epoch: twins, history or other state may belong to the stage.
    public var hasState: Bool

    public init(
        name: StageName, partitions: Int32, positions: [TopicPartition: NextOffset] = [:], hasState: Bool = false
    ) {
        self.name = name
        self.partitions = partitions
        self.positions = positions
        self.hasState = hasState
    }

    /// The topics that some task has a position in.
    var topics: Set<String> { Set(positions.keys.map(\.topic)) }
}
