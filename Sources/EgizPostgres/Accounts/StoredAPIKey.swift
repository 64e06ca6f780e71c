public import EgizTwin

/// An API key as its owner sees it; the key itself is known only to whom it was given.
public struct StoredAPIKey: Sendable, Equatable {
    public var id: UUIDText
    public var name: String
    /// The first characters of the key, to tell keys apart.
    public var prefix: String
    public var role: Role
    public var isAdmin: Bool
    /// Nil: all projects of its owner.
    public var projects: [ProjectID]?
    public var createdAt: EventTime
    public var expiresAt: EventTime
    public var lastUsedAt: EventTime?
    public var revokedAt: EventTime?
}
