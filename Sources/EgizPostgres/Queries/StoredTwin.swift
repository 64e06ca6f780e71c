public import EgizTwin

/// A twin as the projection holds it, for readers.
public struct StoredTwin: Sendable {
    public var thing: String
    public var definition: String?
    public var revision: Int64
    /// To the microsecond; the document has them exactly.
    public var created: EventTime?
    public var modified: EventTime?
    /// The JSON text of the document, byte for byte as stored; nil where it was not asked for.
    public var document: [UInt8]?
    /// The type of its registration; nil: it has none.
    public var registeredType: String?

    public init(
        thing: String, definition: String?, revision: Int64, created: EventTime?, modified: EventTime?,
        document: [UInt8]?, registeredType: String? = nil
    ) {
        self.thing = thing
        self.definition = definition
        self.revision = revision
        self.created = created
        self.modified = modified
        self.document = document
        self.registeredType = registeredType
    }
}
