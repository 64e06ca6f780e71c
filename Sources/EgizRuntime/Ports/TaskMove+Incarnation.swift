import EgizCore

extension TaskMove {
    /// The offsets of the task begin anew: the log is another one, or it lost what the stored offsets counted.
    public var beginsAnew: Bool {
        if let old = lease.log, !old.isSameLog(as: log) { return true }
        return gaps.contains { gap in
            switch gap.reason {
            case .truncated, .cluster, .recreated, .embedded, .evidence: true
            case .retention: false
            }
        }
    }

    /// The incarnation the task has after `TaskStore.reposition` of this move: what records of the new log are counted under.
    public var incarnation: Int32 { beginsAnew ? lease.incarnation + 1 : lease.incarnation }
}
