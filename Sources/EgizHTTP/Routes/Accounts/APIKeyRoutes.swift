import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/users/me/api-keys`: keys for services, made by people for what they may do themselves, or less.
struct APIKeyRoutes: Sendable {
    /// Keys of one user that work.
    static let most = 50
    private static let parameters = ["limit", "cursor"]
    private static let mostDays: Int64 = 366
    private static let days: Int64 = 90
    private static let day: Int64 = 86_400_000_000

    let accounts: Accounts

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/users/me/api-keys", access: .account, parameters: Self.parameters, handler: list),
            APIRoute("/api/v1/users/me/api-keys", access: .account, writing: AuthRoutes.small, handler: create),
            APIRoute(
                "/api/v1/users/me/api-keys/{keyId}", access: .account, writing: .bodyless(.delete), handler: revoke),
        ]
    }

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        guard let user = request.principal?.userID else { throw Problem.needsAccount }
        let cursor = reader.cursor(.keys, question: [user.text])
        try reader.finish()
        let after = cursor.flatMap { TimedPlace($0.place) }
        let page = try await accounts.pool.run { try APIKeyQueries($0).keys(of: user, after: after, limit: limit) }
        var out = JSONOutput(capacity: 320 * page.keys.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for key in page.keys { AccountText.write(key, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.keys.last {
            let place = TimedPlace(time: last.createdAt, id: last.id)
            out.next(PageCursor(.keys, question: [user.text], place: place.text).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    // MARK: Making

    private struct Wanted: Sendable {
        var name = ""
        var role = Role.viewer
        var isAdmin = false
        var projects: [ProjectID]?
        var expiresAt = EventTime.earliest
    }

    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        guard let principal = request.principal, let user = principal.userID else { throw Problem.needsAccount }
        let wanted = try request.body(known: ["name", "role", "isAdmin", "projects", "expiresInDays"], Self.read)
        if wanted.isAdmin, !principal.isAdmin { throw Problem.adminOnly }
        // An admin may do everything everywhere: what the key says beside that would not hold.
        if wanted.isAdmin, wanted.projects != nil || wanted.role != .owner {
            throw Problem.unprocessable(
                "admin-key", "A key that isAdmin is for everything: role owner, and no projects.")
        }
        for project in wanted.projects ?? [] {
            // A key for a project that one does not see would say whether it is there.
            guard principal.role(in: project) != nil, try await accounts.gate.exists(project) else {
                throw Problem.noSuchProject(project.text)
            }
        }
        let token = OpaqueToken(.apiKey)
        let key = try await accounts.store { connection -> StoredAPIKey in
            let keys = APIKeyQueries(connection)
            _ = try AccountQueries(connection).account(user, lock: true)
            guard try keys.count(of: user) < Self.most else { throw Problem.tooManyKeys }
            let key = try keys.create(
                APIKeyQueries.New(
                    name: wanted.name, prefix: token.prefix, hash: token.hash, role: wanted.role,
                    isAdmin: wanted.isAdmin, projects: wanted.projects, expiresAt: wanted.expiresAt), of: user)
            try request.audit("api-key.create", "key:\(key.id.text)", after: Self.json(key), on: connection)
            return key
        }
        let body = AccountText.json { out in
            out.beginObject()
            // Only here, only now.
            out.member("key", token.text)
            AccountText.members(key, into: &out)
            out.endObject()
        }
        return APIAnswer.created(body, at: "/api/v1/users/me/api-keys/\(key.id.text)").response
    }

    private static func read(_ body: inout BodyReader) -> Wanted {
        var wanted = Wanted()
        wanted.name = body.requiredText("name", length: 1...200)
        wanted.role = body.role("role")
        wanted.isAdmin = body.bool("isAdmin") ?? false
        if let texts = body.texts("projects", count: 1...100, length: 1...64) {
            let projects = texts.compactMap { ProjectID($0) }
            if projects.count < texts.count { body.refuse("projects", "projects must be ids of projects.") }
            wanted.projects = projects
        }
        let days = body.integer("expiresInDays", in: 1...mostDays) ?? Self.days
        wanted.expiresAt = WallClock.now().advanced(byMicroseconds: days * day)
        return wanted
    }

    // MARK: Revoking

    private func revoke(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        guard let user = request.principal?.userID else { throw Problem.needsAccount }
        let id = try request.uuid("keyId", missing: Problem.noSuchKey)
        try await accounts.change(.user(user)) { connection in
            guard let key = try APIKeyQueries(connection).revoke(id, of: user) else { throw Problem.noSuchKey(id.text) }
            try request.audit("api-key.revoke", "key:\(id.text)", before: Self.json(key), on: connection)
        }
        return Response(status: .noContent)
    }

    private static func json(_ key: StoredAPIKey) -> [UInt8] { AccountText.json { AccountText.write(key, into: &$0) } }
}
