public import EgizTwin

/// Things of a task that were looked at because rules changed: what processors left there that the topology no longer has ends with
/// the epoch. Their properties of scenes are deleted, their alerts cleared, and what they remembered of both is forgotten, so that
/// one that comes back begins anew.
public struct RulesSweep: Sendable, Equatable {
    public var task: TaskID
    public var things: [ThingID]
    /// Names of the processors that there are.
    public var processors: [String]
    /// When their alerts end: stream time.
    public var time: EventTime

    public init(task: TaskID, things: [ThingID], processors: [String], time: EventTime) {
        (self.task, self.things, self.processors, self.time) = (task, things, processors, time)
    }
}
