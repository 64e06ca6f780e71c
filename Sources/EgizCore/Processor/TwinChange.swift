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
    public let paths: PathTable

    public init(
        thing: ThingID, revision: Int64, time: EventTime, streamTime: EventTime? = nil, leaves: [LeafChange],
        paths: PathTable
    ) {
        self.thing = thing
        self.revision = revision
        self.time = time
        self.streamTime = streamTime ?? time
        self.leaves = leaves
        self.paths = paths
    }
}
