public import EgizCore

/// New positions of one acquired task, and why they are not the stored ones.
public struct TaskMove: Sendable {
    public var lease: TaskLease
    /// By topic.
    public var positions: [String: NextOffset]
    /// The log that the positions belong to.
    public var log: LogIdentity
    public var gaps: [LogGap]

    public init(lease: TaskLease, positions: [String: NextOffset], log: LogIdentity, gaps: [LogGap]) {
        self.lease = lease
        self.positions = positions
        self.log = log
        self.gaps = gaps
    }
}
