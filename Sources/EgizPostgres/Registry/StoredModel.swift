public import EgizTwin

/// What the registry says of a 3D model; its file is apart.
public struct StoredModel: Sendable {
    public var id: UUIDText
    /// Nil: it is for everybody.
    public var project: ProjectID?
    public var name: String
    public var mediaType: String
    public var bytes: Int64
    public var sha256: String
    public var nodeCount: Int64
    /// JSON.
    public var transform: [UInt8]
    public var version: Int64
    public var createdAt: EventTime
    public var updatedAt: EventTime
}
