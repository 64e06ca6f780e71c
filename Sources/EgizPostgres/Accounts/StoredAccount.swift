public import EgizTwin

/// A person who may sign in, as the database has them; without the password's hash.
public struct StoredAccount: Sendable, Equatable {
    public var id: UUIDText
    /// Nil: an outside identity provider gave none that was free.
    public var email: String?
    public var name: String
    public var isAdmin: Bool
    /// The outside identity provider, where the account came from one.
    public var issuer: String?
    public var createdAt: EventTime
    public var disabledAt: EventTime?
    public var revision: Int64
}

/// What a login is checked against.
public struct StoredCredentials: Sendable {
    public var account: StoredAccount
    /// Nil: the account has no password here.
    public var passwordHash: String?
}
