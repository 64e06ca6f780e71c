public import EgizTwin

/// One alert of one thing, from its raising to its clearing, as an epoch leaves it: a row of the projection `alert`.
public struct AlertRow: Sendable, Equatable {
    public enum Severity: UInt8, Sendable, CaseIterable, Comparable {
        case info, warning, error, critical

        public init?(name: String) {
            guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = found
        }

        public var name: String { "\(self)" }

        public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    public enum State: String, Sendable { case raised, acknowledged, cleared }

    /// The task that owns the thing.
    public var home: TaskID
    public var processor: String
    public var thing: ThingID
    /// What distinguishes the alerts of a thing: rules with one key share an alert.
    public var key: String
    /// The rule that speaks: of those that hold the most severe.
    public var rule: String
    public var severity: Severity
    public var state: State
    public var message: String
    /// With thing, processor and key the row's identity. Event time, or the time of a timer.
    public var raisedAt: EventTime
    /// When its state, rule or severity last changed.
    public var updatedAt: EventTime
    public var acknowledgedAt: EventTime?
    public var acknowledgedBy: String?
    public var clearedAt: EventTime?
    /// The revision and the record of the last change; no record where a timer or a person made it.
    public var revision: Int64
    public var cause: InputPosition?

    public init(
        home: TaskID, processor: String, thing: ThingID, key: String, rule: String, severity: Severity, state: State,
        message: String, raisedAt: EventTime, updatedAt: EventTime, acknowledgedAt: EventTime?, acknowledgedBy: String?,
        clearedAt: EventTime?, revision: Int64, cause: InputPosition?
    ) {
        (self.home, self.processor, self.thing, self.key, self.rule) = (home, processor, thing, key, rule)
        (self.severity, self.state, self.message) = (severity, state, message)
        (self.raisedAt, self.updatedAt, self.clearedAt) = (raisedAt, updatedAt, clearedAt)
        (self.acknowledgedAt, self.acknowledgedBy) = (acknowledgedAt, acknowledgedBy)
        (self.revision, self.cause) = (revision, cause)
    }
}
