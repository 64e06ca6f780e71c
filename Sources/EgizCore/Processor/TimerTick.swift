public import EgizTwin

/// A timer that fires.
public struct TimerTick {
    public let thing: ThingID
    /// When it was due.
    public let due: EventTime
    /// Stream time of the task now: at or after `due`.
    public let streamTime: EventTime
    /// The thing as it is now; nil only in ticks that tests make by hand.
    public var twin: Twin?

    public init(thing: ThingID, due: EventTime, streamTime: EventTime, twin: Twin? = nil) {
        self.twin = twin
        self.thing = thing
        self.due = due
        self.streamTime = streamTime
    }
}
