public import EgizTwin

/// A timer that fires.
public struct TimerTick: Sendable {
    public let thing: ThingID
    /// When it was due.
    public let due: EventTime
    /// Stream time of the task now: at or after `due`.
    public let streamTime: EventTime

    public init(thing: ThingID, due: EventTime, streamTime: EventTime) {
        self.thing = thing
        self.due = due
        self.streamTime = streamTime
    }
}
