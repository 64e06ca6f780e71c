import EgizPostgres

/// Who asks.
struct Principal: Sendable, Equatable {
    enum Kind: String, Sendable {
        case user, apiKey
        /// Nobody who said who they are: whoever can reach a server that listens on loopback and asks for no credentials. An admin.
        case localOperator
    }

    var kind: Kind
    /// The id of the user or key, a UUID; `local` for the operator.
    var id: String
    /// For people: the e-mail address, the name of the key.
    var name: String
    /// The user who signed in or owns the key; nil for the operator.
    var userID: UUIDText?
    /// Of the system. Of an API key: its owner is one, and the key was made to be one.
    var isAdmin: Bool
    /// The projects it belongs to. Of an API key: within its scope, never more than its owner's role.
    var roles: [ProjectID: Role] = [:]
    /// Of a person who signed in here.
    var session: UUIDText?

    static let localOperator = Principal(kind: .localOperator, id: "local", name: "local operator", isAdmin: true)

    /// What it may do in a project; nil: not even see it. Things of nobody (nil) are the admins'.
    func role(in project: ProjectID?) -> Role? {
        if isAdmin { return .owner }
        return project.flatMap { roles[$0] }
    }

    /// The projects in which it has at least this role.
    func scope(_ role: Role) -> AccessScope {
        isAdmin ? .all : .projects(roles.filter { $0.value >= role }.keys.sorted())
    }

    /// Whose requests are counted together: however many keys somebody makes, they have no more than one has.
    var caller: String { userID?.text ?? id }

    /// As the audit log names it.
    var actor: String {
        switch kind {
        case .user: "user:\(id)"
        case .apiKey: "key:\(id)"
        case .localOperator: "operator"
        }
    }
}
