import EgizPostgres

/// Who may use a route. Every route says it: there is no default.
enum Access: Sendable, Equatable, CustomStringConvertible {
    /// Without credentials, too: health, login, the document of the API.
    case everyone
    /// Whoever can say who they are: users and API keys.
    case signedIn
    /// A person with an account of their own, not an API key: passwords and keys.
    case account
    /// The path has `{thingId}`; the caller needs the role in the thing's project. Things of nobody are the admins'. Who does not even
    /// see the thing gets 404.
    case thing(Role)
    /// The path has `{project}`; as `thing`.
    case project(Role)
    /// A list over projects, or something whose project only the handler knows: it must use `APIRequest.scope`, or
    /// `APIRequest.require`.
    case filtered(Role)
    /// The system's admins: users, audit, dead letters, topologies.
    case admin

    var description: String {
        switch self {
        case .everyone: "everyone"
        case .signedIn: "signed in"
        case .account: "account"
        case .thing(let role): "thing, \(role.name)"
        case .project(let role): "project, \(role.name)"
        case .filtered(let role): "filtered, \(role.name)"
        case .admin: "admin"
        }
    }

    /// What of the path decides.
    var capture: String? {
        switch self {
        case .thing: "thingId"
        case .project: "project"
        case .everyone, .signedIn, .account, .filtered, .admin: nil
        }
    }
}
