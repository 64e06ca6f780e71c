/// What a member may do in a project; a higher role may do everything that a lower one may.
public enum Role: Int, Sendable, Comparable, CaseIterable {
    /// Reads everything of the project.
    case viewer = 1
    /// Changes twins, bindings, models, tasks and alerts.
    case editor
    /// Changes the project itself: members, namespaces, invitations, and deletes it.
    case owner

    public static func < (a: Role, b: Role) -> Bool { a.rawValue < b.rawValue }

    /// As JSON and the database have it.
    public var name: String {
        switch self {
        case .viewer: "viewer"
        case .editor: "editor"
        case .owner: "owner"
        }
    }

    public init?(name: some StringProtocol) {
        guard let role = Role.allCases.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else { return nil }
        self = role
    }
}
