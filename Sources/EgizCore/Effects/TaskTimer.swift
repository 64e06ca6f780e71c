public import EgizTwin

/// A moment of stream time at which a processor wants to be called for a thing (rule 16). Ordered as timers fire: by due time,
/// then processor, then thing.
public struct TaskTimer: Sendable, Hashable, Comparable {
    public var due: EventTime
    public var processor: String
    public var thing: ThingID

    public init(due: EventTime, processor: String, thing: ThingID) {
        self.due = due
        self.processor = processor
        self.thing = thing
    }

    public static func < (a: Self, b: Self) -> Bool {
        if a.due != b.due { return a.due < b.due }
        if a.processor != b.processor { return a.processor.utf8.lexicographicallyPrecedes(b.processor.utf8) }
        return a.thing < b.thing
    }
}
