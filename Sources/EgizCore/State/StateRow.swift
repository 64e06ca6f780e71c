public import EgizTwin

/// The snapshot of one processor's state of one thing: a row of the table `state`.
public struct StateRow: Sendable, Hashable {
    /// The task that owns the thing.
    public var home: TaskID
    public var processor: String
    public var thing: ThingID
    /// `ProcessorState.version` of the bytes.
    public var version: UInt8
    /// Nil deletes the row.
    public var bytes: [UInt8]?

    public init(home: TaskID, processor: String, thing: ThingID, version: UInt8, bytes: [UInt8]?) {
        self.home = home
        self.processor = processor
        self.thing = thing
        self.version = version
        self.bytes = bytes
    }
}
