public import EgizCore
public import EgizTwin

/// An alert as readers see it: the engine's row with what people wrote of it.
public struct StoredAlert: Sendable {
    public var id: Int64
    public var stage: StageName
    public var processor: String
    public var thing: String
    public var key: String
    public var rule: String
    public var severity: String
    public var state: String
    public var message: String
    public var raisedAt: EventTime
    public var updatedAt: EventTime
    public var acknowledgedAt: EventTime?
    public var acknowledgedBy: String?
    public var clearedAt: EventTime?
    public var revision: Int64
    public var cause: InputPosition?
    public var assignee: String?
}
