/// A twin in a form that can be stored; `Twin(restoring:parser:)` is its exact inverse.
public struct TwinSnapshot: Sendable {
    public var thing: ThingID
    /// Revision of the last applied event.
    public var revision: Int64
    /// Canonical text of that event's timestamp, if it had one; a deleted twin needs it to know a re-creation.
    public var timestamp: String?
    /// The thing as JSON text in UTF-8; nil for a deleted twin.
    public var document: [UInt8]?
    /// The thing's definition, out of the document.
    public var definition: String?
    /// `_created` and `_modified`, out of the document.
    public var created: EventTime?
    public var modified: EventTime?

    public init(
        thing: ThingID, revision: Int64, timestamp: String? = nil, document: [UInt8]? = nil, definition: String? = nil,
        created: EventTime? = nil, modified: EventTime? = nil
    ) {
        self.thing = thing
        self.revision = revision
        self.timestamp = timestamp
        self.document = document
        self.definition = definition
        self.created = created
        self.modified = modified
    }
}
