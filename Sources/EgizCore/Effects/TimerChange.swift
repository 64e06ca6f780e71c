/// What an epoch does to the timers of one task: the net effect, so that no timer is both set and removed.
public struct TimerChange: Sendable {
    public var task: TaskID
    /// Sorted; setting a timer that exists changes nothing.
    public var set: [TaskTimer]
    /// Sorted: fired or cancelled.
    public var removed: [TaskTimer]

    public init(task: TaskID, set: [TaskTimer], removed: [TaskTimer]) {
        self.task = task
        self.set = set
        self.removed = removed
    }
}
