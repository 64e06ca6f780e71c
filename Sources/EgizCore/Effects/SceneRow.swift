public import EgizTwin

/// One property of one object of a thing's 3D model, as an epoch leaves it: a row of the projection `scene`.
public struct SceneRow: Sendable, Equatable {
    /// The task that owns the thing.
    public var home: TaskID
    /// That sets the property.
    public var processor: String
    public var thing: ThingID
    /// The object of the model.
    public var object: String
    /// What of it: `color`, `position.y` …
    public var target: String
    /// JSON text; nil where the binding is gone, which deletes the row.
    public var value: String?
    /// Revision of the thing and event time of the change.
    public var revision: Int64
    public var time: EventTime
    /// The record that changed it; nil where a change of the bindings did.
    public var cause: InputPosition?

    public init(
        home: TaskID, processor: String, thing: ThingID, object: String, target: String, value: String?, revision: Int64,
        time: EventTime, cause: InputPosition?
    ) {
        (self.home, self.processor) = (home, processor)
        (self.thing, self.object, self.target, self.value) = (thing, object, target, value)
        (self.revision, self.time, self.cause) = (revision, time, cause)
    }
}
