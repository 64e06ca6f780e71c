import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/projects/{project}/members`: who belongs to a project, and what each may do.
struct MemberRoutes: Sendable {
    let accounts: Accounts

    private static let path = "/api/v1/projects/{project}/members"

    var routes: [APIRoute] {
        [
            APIRoute(Self.path, access: .project(.viewer), parameters: Self.parameters, handler: list),
            APIRoute(Self.path + "/{userId}", access: .project(.viewer), handler: member),
            APIRoute(
                Self.path + "/{userId}", access: .project(.owner), writing: .json(.put, largest: 4096), handler: put),
            // Everybody may leave; the handler asks more of who removes others.
            APIRoute(
                Self.path + "/{userId}", access: .project(.viewer), writing: .bodyless(.delete), handler: remove),
        ]
    }

    private static let parameters = ["limit", "cursor"]

    // MARK: Reading

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let project = try request.requiredProject()
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.members, question: [project.text])
        try reader.finish()
        let after = cursor.flatMap { ProjectQueries.MemberPlace($0.place) }
        let page = try await accounts.pool.run {
            try ProjectQueries($0).members(of: project, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 256 * page.members.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for member in page.members { AccountText.write(member, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.members.last {
            let place = ProjectQueries.MemberPlace(last).text
            out.next(PageCursor(.members, question: [project.text], place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func member(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let user = try request.uuid("userId", missing: Problem.noSuchMember)
        let member = try await accounts.pool.run { try ProjectQueries($0).member(user, of: project) }
        guard let member else { throw Problem.noSuchMember(user.text) }
        return .json(Self.json(member), headers: [.eTag: Self.tag(member).text])
    }

    /// Of what an owner decides: two who change one member's role at once do not undo each other unseen.
    private static func tag(_ member: StoredMember) -> EntityTag {
        EntityTag(of: Array("\(member.role.name) \(member.addedAt.microseconds)".utf8))
    }

    // MARK: Changing

    /// Makes a user a member, or gives a member another role.
    private func put(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let user = try request.uuid("userId", missing: Problem.noSuchUser)
        let role = try request.body(known: ["role"]) { $0.role("role") }
        return try await accounts.change(request, .user(user)) { connection in
            let queries = ProjectQueries(connection)
            try queries.lock(project)
            let before = try queries.member(user, of: project)
            try request.precondition(current: before.map(Self.tag))
            if before?.role == .owner, role < .owner { try Self.keepAnOwner(queries, without: user, in: project) }
            guard try queries.setRole(role, of: user, in: project), let after = try queries.member(user, of: project)
            else { throw Problem.noSuchUser(user.text) }
            try request.audit(
                before == nil ? "project.member.add" : "project.member.change", "user:\(user.text)",
                before: before.map(Self.json), after: Self.json(after), on: connection)
            return .json(Self.json(after), status: before == nil ? .created : .ok, eTag: Self.tag(after))
        }.response
    }

    private func remove(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let user = try request.uuid("userId", missing: Problem.noSuchMember)
        if request.principal?.kind != .user || request.principal?.userID != user {
            try request.require(.owner, in: project, missing: .noSuchProject(project.text))
        }
        return try await accounts.change(request, .user(user)) { connection in
            let queries = ProjectQueries(connection)
            try queries.lock(project)
            guard let before = try queries.member(user, of: project) else { throw Problem.noSuchMember(user.text) }
            try request.precondition(current: Self.tag(before))
            if before.role == .owner { try Self.keepAnOwner(queries, without: user, in: project) }
            _ = try queries.removeMember(user, from: project)
            try request.audit(
                "project.member.remove", "user:\(user.text)", before: Self.json(before), on: connection)
            return .nothing
        }.response
    }

    /// The project is locked.
    private static func keepAnOwner(
        _ queries: ProjectQueries, without user: UUIDText, in project: ProjectID
    ) throws {
        guard try queries.otherOwners(than: user, in: project) > 0 else { throw Problem.lastOwner }
    }

    private static func json(_ member: StoredMember) -> [UInt8] {
        AccountText.json { AccountText.write(member, into: &$0) }
    }
}

extension BodyReader {
    /// A role by its name; the member must be there.
    mutating func role(_ name: String) -> Role {
        let text = requiredText(name, length: 1...16)
        if let role = Role(name: text) { return role }
        if !text.isEmpty { refuse(name, "\(name) must be one of viewer, editor, owner.") }
        return .viewer
    }
}
