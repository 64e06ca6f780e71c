/// Which things somebody may see.
public enum AccessScope: Sendable, Equatable {
    /// Also things of nobody: admins.
    case all
    /// The things of these projects; none where there is none.
    case projects([ProjectID])

    /// For `$n` of a statement: null for `.all`, else the ids as text, to be cast to `uuid[]`.
    public var parameter: PostgresValue {
        switch self {
        case .all: .null
        case .projects(let ids): .textArray(ids.map(\.text))
        }
    }

    /// A condition on a column that holds thing ids, true for the things of the scope; nil where everything is in it, so that lists of
    /// admins pay nothing. `parameter` goes to `$index`.
    ///
    /// The caller's own sets are hashed once a statement; what others have registered is looked up by row, whose number is theirs.
    public func condition(thing column: String, at index: Int) -> String? {
        guard case .projects = self else { return nil }
        return """
            (\(column) in (select thing_id from egiz.project_thing where project_id = any ($\(index)::uuid[]))
            or split_part(\(column), ':', 1) in (
                select namespace from egiz.project_namespace where project_id = any ($\(index)::uuid[]))
            and not exists (
                select from (select thing_id as registered from egiz.project_thing) other where other.registered = \(column)))
            """
    }

    /// Nothing is in it: there is nothing to look for.
    public var isEmpty: Bool { self == .projects([]) }

    /// Whether a thing of this project (nil: of nobody) is in it.
    public func contains(_ project: ProjectID?) -> Bool {
        switch self {
        case .all: true
        case .projects(let ids): project.map { ids.contains($0) } ?? false
        }
    }
}
