public import EgizTwin

/// A project.
public struct StoredProject: Sendable, Equatable {
    public var id: ProjectID
    public var name: String
    public var description: String
    public var createdAt: EventTime
    public var revision: Int64
}

/// Somebody who belongs to a project.
public struct StoredMember: Sendable, Equatable {
    public var user: UUIDText
    public var email: String?
    public var name: String
    public var role: Role
    public var addedAt: EventTime
    public var isDisabled: Bool
}

/// A namespace or a thing that belongs to a project.
public struct StoredBelonging: Sendable, Equatable {
    public var name: String
    public var addedAt: EventTime
}

/// Who was asked to join a project. The token is known only to whom it was given.
public struct StoredInvitation: Sendable, Equatable {
    public var id: UUIDText
    public var project: ProjectID
    public var email: String
    public var role: Role
    public var createdAt: EventTime
    public var expiresAt: EventTime
}
