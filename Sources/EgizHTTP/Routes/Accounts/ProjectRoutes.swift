import EgizCore
import EgizPostgres
import HTTPTypes
import Hummingbird

/// `/api/v1/projects` and `/api/v1/projects/{project}`.
struct ProjectRoutes: Sendable {
    let accounts: Accounts

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/projects", access: .filtered(.viewer), parameters: Self.listParameters, handler: list),
            APIRoute("/api/v1/projects", access: .signedIn, writing: Self.small, handler: create),
            APIRoute("/api/v1/projects/{project}", access: .project(.viewer), handler: project),
            APIRoute(
                "/api/v1/projects/{project}", access: .project(.owner), writing: .json(.patch, largest: 16_384),
                handler: change),
            APIRoute(
                "/api/v1/projects/{project}", access: .project(.owner), writing: .bodyless(.delete), handler: delete),
        ]
    }

    /// Projects that somebody who is no admin may own.
    static let mostOwned = 50
    private static let small = APIRoute.Writing.json(.post, largest: 16_384)
    private static let listParameters = ["limit", "cursor"]
    private static let nameLength = 1...200
    private static let descriptionLength = 0...8000

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.listParameters)
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.projects, question: [])
        try reader.finish()
        let (scope, after) = (request.scope, cursor.flatMap { ProjectID($0.place) })
        let page = try await accounts.pool.run { connection in
            try ProjectQueries(connection).page(scope, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 256 * page.projects.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for project in page.projects {
            AccountText.write(project, role: request.principal?.roles[project.id], into: &out)
        }
        out.endArray()
        if page.hasMore, let last = page.projects.last {
            out.next(PageCursor(.projects, question: [], place: last.id.text).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    /// Whoever makes a project owns it. An API key makes none: it would reach beyond its scope.
    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        guard let principal = request.principal, principal.kind != .apiKey || principal.isAdmin else {
            throw Problem.needsAccount
        }
        let (name, description) = try request.body(known: ["name", "description"]) { body in
            (
                body.requiredText("name", length: Self.nameLength),
                body.text("description", length: Self.descriptionLength) ?? ""
            )
        }
        let stale = principal.userID.map(AccountGate.Stale.user) ?? .nothing
        return try await accounts.change(request, stale) { connection in
            let queries = ProjectQueries(connection)
            if let user = principal.userID, !principal.isAdmin {
                // Two at once are counted one after the other.
                _ = try AccountQueries(connection).account(user, lock: true)
                guard try queries.owned(by: user) < Self.mostOwned else { throw Problem.tooManyProjects }
            }
            let project = try queries.create(name: name, description: description, owner: principal.userID)
            let body = Self.json(project, role: principal.userID == nil ? nil : .owner)
            try request.audit(
                "project.create", "project:\(project.id.text)", project: project.id, after: body, on: connection)
            return .created(
                body, at: "/api/v1/projects/\(project.id.text)", eTag: EntityTag(revision: project.revision))
        }.response
    }

    private func project(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.requiredProject()
        let project = try await accounts.pool.run { try ProjectQueries($0).project(id) }
        guard let project else { throw Problem.noSuchProject(id.text) }
        // No 304: the role is the caller's, and changes without the project.
        return .json(
            Self.json(project, role: request.principal?.roles[id]),
            headers: [.eTag: EntityTag(revision: project.revision).text])
    }

    private func change(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.requiredProject()
        let (name, description) = try request.body(known: ["name", "description"]) { body in
            (
                body.text("name", length: Self.nameLength),
                body.text("description", length: Self.descriptionLength)
            )
        }
        let role = request.principal?.roles[id]
        return try await accounts.change(request, .nothing) { connection in
            let queries = ProjectQueries(connection)
            guard let before = try queries.project(id, lock: true) else { throw Problem.noSuchProject(id.text) }
            try request.precondition(current: EntityTag(revision: before.revision))
            guard let after = try queries.change(id, name: name, description: description) else {
                throw Problem.noSuchProject(id.text)
            }
            let body = Self.json(after, role: role)
            try request.audit(
                "project.change", "project:\(id.text)", before: Self.json(before, role: role), after: body,
                on: connection)
            return .json(body, eTag: EntityTag(revision: after.revision))
        }.response
    }

    private func delete(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.requiredProject()
        return try await accounts.change(request, .everything) { connection in
            let queries = ProjectQueries(connection)
            // First, as whoever adds a belonging does: else one may wait for the other.
            try queries.lockBelongings()
            guard let before = try queries.project(id, lock: true) else { throw Problem.noSuchProject(id.text) }
            try request.precondition(current: EntityTag(revision: before.revision))
            if let type = try queries.type(of: id) { throw Problem.typesStay(type) }
            try queries.delete(id)
            try request.audit(
                "project.delete", "project:\(id.text)", before: Self.json(before, role: nil), on: connection)
            return .nothing
        }.response
    }

    private static func json(_ project: StoredProject, role: Role?) -> [UInt8] {
        AccountText.json { AccountText.write(project, role: role, into: &$0) }
    }
}

extension APIRequest {
    /// The project of a path with `{project}`, which the gate has found.
    func requiredProject() throws(Problem) -> ProjectID {
        guard let project else { throw .noSuchProject(captures["project"] ?? "") }
        return project
    }
}

extension ProjectQueries {
    /// Until the end of the transaction nobody else changes the project, its members or what belongs to it. Throws 404 where it is gone:
    /// another process may have deleted it since the gate has looked.
    func lock(_ project: ProjectID) throws {
        guard try self.project(project, lock: true) != nil else { throw Problem.noSuchProject(project.text) }
    }
}
