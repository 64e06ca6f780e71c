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

    /// A select of rows in the order of their things, for lists that come in pages: everything, or what is in the scope.
    ///
    /// A condition alone would have Postgres walk over the things of all others until a page is full. Here each namespace of the scope is a
    /// range of the index on things, read from where the page begins to where it is full, and so is what is registered one by one.
    ///
    /// - Parameters:
    ///   - tables: what stands after `from`; `thing` is its column of thing ids, `order` begins with it.
    ///   - limit: as in `$1`; each part of the answer has as many rows at most, so the caller orders and limits them once more.
    ///   - index: `parameter` goes there, unless this is `.all`.
    public func select(
        _ columns: String, from tables: String, thing: String, where condition: String, order: String, limit: String,
        at index: Int
    ) -> String {
        let rest = "\(condition) order by \(order) limit \(limit)"
        guard case .projects = self else { return "(select \(columns) from \(tables) where \(rest))" }
        let own = "owned.project_id = any ($\(index)::uuid[])"
        return """
            (select one.* from egiz.project_namespace owned cross join lateral (
                select \(columns) from \(tables)
                where \(thing) >= owned.namespace || ':' and \(thing) < owned.namespace || ';'
                    and not exists (select from egiz.project_thing other where other.thing_id = \(thing)) and \(rest)) one
                where \(own))
            union all
            (select \(columns) from egiz.project_thing owned, \(tables)
                where \(own) and \(thing) = owned.thing_id and \(rest))
            """
    }

    /// What is in both.
    public func intersection(_ other: AccessScope) -> AccessScope {
        switch (self, other) {
        case (.all, _): other
        case (_, .all): self
        case (.projects(let ids), .projects(let others)): .projects(ids.filter(others.contains))
        }
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
