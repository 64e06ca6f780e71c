public import EgizCore

/// One stage and its tasks.
public struct StageState: Sendable {
    public var name: StageName
    public var partitions: Int64
    /// Ascending by partition; only partitions that some worker has taken once.
    public var tasks: [TaskState]

    public init(name: StageName, partitions: Int64, tasks: [TaskState]) {
        self.name = name
        self.partitions = partitions
        self.tasks = tasks
    }

    /// The topics that some task has a position in, ascending.
    public var topics: [String] {
        Set(tasks.lazy.flatMap(\.offsets).map(\.topic)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
