public import EgizCore

/// New positions of one acquired task, and why they are not the stored ones.
public struct TaskMove: Sendable {
    public var lease: TaskLease
    /// By topic.
    public var positions: [String: NextOffset]
    /// The log that the positions belong to.
    public var log: LogIdentity
    public var gaps: [LogGap]

    /// The offsets begin anew: the task's incarnation rises by one (rule 11).
    public var beginsAnew: Bool {
        if let stored = lease.log, !stored.isSameLog(as: log) { return true }
        return gaps.contains { gap in
            switch gap.reason {
            case .truncated, .cluster, .recreated, .embedded, .evidence: true
            case .retention: false
            }
        }
    }

    public init(lease: TaskLease, positions: [String: NextOffset], log: LogIdentity, gaps: [LogGap]) {
        self.lease = lease
        self.positions = positions
        self.log = log
        self.gaps = gaps
    }
}
