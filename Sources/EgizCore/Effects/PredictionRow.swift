public import EgizTwin

/// The last answer of one model about one thing: a row of the projection `ml_prediction`.
public struct PredictionRow: Sendable, Equatable {
    /// What distinguishes the rows.
    public struct Key: Sendable, Hashable, Comparable {
        public var thing: ThingID
        public var task: String
        public var model: String
        public var isShadow: Bool

        public init(thing: ThingID, task: String, model: String, isShadow: Bool) {
            (self.thing, self.task, self.model, self.isShadow) = (thing, task, model, isShadow)
        }

        public static func < (a: Self, b: Self) -> Bool {
            (a.thing, a.task, a.model, a.isShadow ? 1 : 0) < (b.thing, b.task, b.model, b.isShadow ? 1 : 0)
        }
    }

    /// The task that reads the topic.
    public var home: TaskID
    public var key: Key
    /// As the service says it; nil where it says none.
    public var version: String?
    public var score: Double?
    public var label: String?
    /// JSON texts: the prediction's details, and what went wrong instead of it.
    public var details: String?
    public var error: String?
    /// Of the thing when it was asked about, and the event time.
    public var revision: Int64
    public var time: EventTime
    /// The record that made the thing's state what it was, and the one that holds the answer.
    public var input: InputPosition?
    public var output: InputPosition
    /// Milliseconds that the call took.
    public var latency: Double

    public init(
        home: TaskID, key: Key, version: String?, score: Double?, label: String?, details: String?, error: String?,
        revision: Int64, time: EventTime, input: InputPosition?, output: InputPosition, latency: Double
    ) {
        (self.home, self.key, self.version, self.score, self.label) = (home, key, version, score, label)
        (self.details, self.error, self.revision, self.time) = (details, error, revision, time)
        (self.input, self.output, self.latency) = (input, output, latency)
    }

    /// It is about an earlier state of the thing than another answer. By both marks, because each may go back by itself: times are what
    /// devices say, and a thing that is made anew may count anew.
    public func isOlder(thanRevision revision: Int64, time: EventTime) -> Bool {
        self.revision < revision && self.time < time
    }

    public func isOlder(than other: PredictionRow) -> Bool {
        isOlder(thanRevision: other.revision, time: other.time)
    }
}
