public import EgizCore
public import EgizTwin

/// How far one topology is, as the database knows it.
public struct TopologyState: Sendable {
    public var name: String
    /// The latest; nil where tasks exist whose topology was never saved.
    public var version: Int64?
    public var active: Bool
    public var applied: EventTime?
    /// Ascending by name.
    public var stages: [StageState] = []
}

/// One stage and its tasks.
public struct StageState: Sendable {
    public var name: StageName
    public var partitions: Int64
    /// Ascending by partition; only partitions that some worker has taken once.
    public var tasks: [TaskState] = []

    /// The topics that some task has a position in, ascending.
    public var topics: [String] {
        Set(tasks.lazy.flatMap(\.offsets).map(\.topic)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// One task: who has it and how far it is.
public struct TaskState: Sendable {
    public struct Owner: Sendable, Equatable {
        /// The worker's UUID.
        public var worker: String
        public var host: String?
        public var processID: Int64?
    }

    public struct Offset: Sendable, Equatable {
        public var topic: String
        public var next: NextOffset
    }

    public var partition: Int32
    /// Nil where no worker has it at the moment.
    public var owner: Owner?
    public var ownerEpoch: Int64
    /// The last committed epoch.
    public var epoch: Int64
    public var lastCommit: EventTime?
    public var streamTime: EventTime?
    public var counters: StepCounters
    /// Ascending by topic.
    public var offsets: [Offset] = []
}
