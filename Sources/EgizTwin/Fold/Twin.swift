/// The twin of one thing: a fold of its events. Owned by one stream thread.
public final class Twin {
    enum Life {
        case unknown, alive, deleted
    }

    public let thing: ThingID
    var life = Life.unknown
    /// Revision of the last applied event; 0 while unknown.
    public internal(set) var revision: Int64 = 0
    /// Timestamp of that event.
    var timestamp: Timestamp?
    var state = ThingState()

    /// A twin of which nothing is known yet.
    public init(thing: ThingID) { self.thing = thing }

    /// Some event has created it, whatever happened since.
    public var isKnown: Bool { life != .unknown }

    public var isDeleted: Bool { life == .deleted }
}
