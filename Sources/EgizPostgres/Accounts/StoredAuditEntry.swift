public import EgizTwin

/// An entry of the audit log as it is stored.
public struct StoredAuditEntry: Sendable, Equatable {
    public var id: Int64
    public var at: EventTime
    public var actor: String
    public var actorName: String
    public var action: String
    public var object: String
    public var project: ProjectID?
    /// JSON text.
    public var before: [UInt8]?
    public var after: [UInt8]?
    public var remoteAddress: String?
    public var requestID: String?
    /// SHA-256 that covers this entry and, by the hash before, all earlier ones.
    public var hash: [UInt8]
}
