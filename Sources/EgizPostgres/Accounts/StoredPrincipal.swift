/// Who credentials belong to, and what they may do, as the database has it now.
public struct StoredPrincipal: Sendable, Equatable {
    public var userID: UUIDText
    public var email: String?
    public var name: String
    /// Of the account; a key needs its own flag as well.
    public var isAdmin: Bool
    /// Of the account.
    public var roles: [ProjectID: Role]
    /// Nil: a person who signed in.
    public var key: Key?

    /// What an API key restricts its owner to.
    public struct Key: Sendable, Equatable {
        public var id: UUIDText
        public var name: String
        public var role: Role
        public var isAdmin: Bool
        /// Nil: all of its owner's.
        public var projects: Set<ProjectID>?
    }
}
