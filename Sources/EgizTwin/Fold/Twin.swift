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
    /// Bytes of the last text of the document.
    var lastTextCount = 256
    /// Leaves that events write again and again; see `Twin+Leaves.swift`.
    var cells: UnsafeMutablePointer<LeafCell>?
    var cellCount: Int32 = 0
    var cellCapacity: Int32 = 0
    /// Some cell is newer than the document.
    var hasDirtyCells = false
    /// Of the document's text, while cells and structure stay as they are.
    var template: DocumentTemplate?
    /// Texts that were made since they changed: the second one makes a template, where a first one may be all that is ever asked for.
    var steadyTexts: UInt8 = 0

    /// A twin of which nothing is known yet.
    public init(thing: ThingID) { self.thing = thing }

    deinit { freeCells() }

    /// Some event has created it, whatever happened since.
    public var isKnown: Bool { life != .unknown }

    public var isDeleted: Bool { life == .deleted }
}
