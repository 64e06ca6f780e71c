public import EgizTwin

/// What a person asked a processor for through the API: kept in Postgres, consumed by the task's owner in an epoch, so that it
/// happens exactly once and at one place in the order of events (rule 19).
public struct InboxMessage: Sendable, Equatable {
    /// Rises in the order in which messages were written.
    public var id: Int64
    public var task: TaskID
    /// The processor's name in the topology.
    public var processor: String
    public var thing: ThingID
    /// `acknowledge` or `clear`.
    public var action: String
    /// What it is about: the key of an alert.
    public var subject: String
    /// When that alert was raised, so that a newer one of its key is not meant; nil in messages of older programs.
    public var raisedAt: EventTime?
    public var by: String?

    public init(
        id: Int64, task: TaskID, processor: String, thing: ThingID, action: String, subject: String, raisedAt: EventTime? = nil,
        by: String?
    ) {
        (self.id, self.task, self.processor, self.thing) = (id, task, processor, thing)
        (self.action, self.subject, self.raisedAt, self.by) = (action, subject, raisedAt, by)
    }
}
