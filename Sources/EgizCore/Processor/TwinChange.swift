public import EgizTwin

/// What the twin projector derives from an applied event: borrowed by the processors for the length of one call.
public struct TwinChange: ~Copyable {
    public let thing: ThingID
    public let revision: Int64
    /// Event time.
    public let time: EventTime
    /// Stream time of the task, this event included.
    public let streamTime: EventTime
    /// Every leaf the event wrote or removed.
    public let leaves: [LeafChange]
    /// Empty objects that came or went with the event.
    public let empties: [PathID]
    public let paths: PathTable
    /// The twin with the event applied; nil only in changes that tests make by hand.
    public let twin: Twin?
    /// The thing did not exist before this event.
    public let isCreated: Bool
    /// The record: the place of its topic in the source, and its offset; -1 where no record caused this.
    public let topic: Int
    public let offset: Int64

    public init(
        thing: ThingID, revision: Int64, time: EventTime, streamTime: EventTime? = nil, leaves: [LeafChange],
        empties: [PathID] = [], paths: PathTable, twin: Twin? = nil, isCreated: Bool = false, topic: Int = 0,
        offset: Int64 = -1
    ) {
        self.thing = thing
        self.revision = revision
        self.time = time
        self.streamTime = streamTime ?? time
        self.leaves = leaves
        self.empties = empties
        self.paths = paths
        self.twin = twin
        self.isCreated = isCreated
        self.topic = topic
        self.offset = offset
    }
}
