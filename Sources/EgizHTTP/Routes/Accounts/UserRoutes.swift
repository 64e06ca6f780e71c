import EgizCore
import EgizPostgres
import HTTPTypes
import Hummingbird

/// `/api/v1/users`: accounts, for admins; `/api/v1/users/me`: one's own.
struct UserRoutes: Sendable {
    let accounts: Accounts

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/users", access: .admin, parameters: Self.listParameters, handler: list),
            APIRoute("/api/v1/users", access: .admin, writing: AuthRoutes.small, handler: create),
            APIRoute("/api/v1/users/me", access: .signedIn, handler: me),
            APIRoute("/api/v1/users/me", access: .account, writing: .json(.patch, largest: 8192), handler: rename),
            APIRoute("/api/v1/users/{userId}", access: .admin, handler: user),
            APIRoute("/api/v1/users/{userId}", access: .admin, writing: .json(.patch, largest: 8192), handler: change),
        ]
    }

    private static let listParameters = ["search", "limit", "cursor"]

    // MARK: For admins

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.listParameters)
        let search = reader.storableText("search")
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.users, question: [search])
        try reader.finish()
        let after = cursor.flatMap { UUIDText($0.place) }
        let page = try await accounts.pool.run { connection in
            try AccountQueries(connection).page(search: search, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 256 * page.accounts.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for account in page.accounts { AccountText.write(account, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.accounts.last {
            out.next(PageCursor(.users, question: [search], place: last.id.text).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (wanted, isAdmin) = try request.body(known: ["email", "password", "name", "isAdmin"]) { body in
            (NewAccount(reading: &body), body.bool("isAdmin") ?? false)
        }
        let hash = try await accounts.hash(wanted.password, for: request)
        let account = try await accounts.store { connection -> StoredAccount in
            let made = try AccountQueries(connection).create(
                email: wanted.email, name: wanted.name, passwordHash: hash, isAdmin: isAdmin)
            guard let made else { throw Problem.emailIsTaken }
            try request.audit("user.create", "user:\(made.id.text)", after: Self.json(made), on: connection)
            return made
        }
        return APIAnswer.created(
            Self.json(account), at: "/api/v1/users/\(account.id.text)", eTag: EntityTag(revision: account.revision)
        ).response
    }

    private func user(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.uuid("userId", missing: Problem.noSuchUser)
        let account = try await accounts.pool.run { try AccountQueries($0).account(id) }
        guard let account else { throw Problem.noSuchUser(id.text) }
        return Self.answer(account, request)
    }

    private func change(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.uuid("userId", missing: Problem.noSuchUser)
        let change = try request.body(known: ["name", "isAdmin", "isDisabled"]) { body in
            AccountQueries.Change(
                name: body.text("name", length: 0...200), isAdmin: body.bool("isAdmin"),
                isDisabled: body.bool("isDisabled"))
        }
        return try await apply(change, to: id, request, action: "user.change")
    }

    // MARK: One's own

    private func me(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        guard let principal = request.principal else { throw Problem.unauthenticated }
        let account: StoredAccount?
        if let id = principal.userID {
            account = try await accounts.pool.run { try AccountQueries($0).account(id) }
        } else {
            account = nil
        }
        let body = AccountText.json { out in
            out.beginObject()
            out.member("kind", principal.kind.rawValue)
            // Of an API key: what the key may do, not what its owner may.
            out.member("principalId", principal.id)
            AccountText.flag("actsAsAdmin", principal.isAdmin, into: &out)
            if let account { AccountText.members(account, into: &out) }
            out.key("projects")
            out.beginArray()
            for (project, role) in principal.roles.sorted(by: { $0.key < $1.key }) {
                out.beginObject()
                out.member("projectId", project.text)
                out.member("role", role.name)
                out.endObject()
            }
            out.endArray()
            out.endObject()
        }
        let tag = account.map { EntityTag(revision: $0.revision) } ?? EntityTag(of: body)
        return .json(body, headers: [.eTag: tag.text])
    }

    private func rename(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        guard let id = request.principal?.userID else { throw Problem.needsAccount }
        let name = try request.body(known: ["name"]) { $0.requiredText("name", length: 1...200) }
        return try await apply(AccountQueries.Change(name: name), to: id, request, action: "user.rename")
    }

    // MARK: Changes

    private func apply(
        _ change: AccountQueries.Change, to id: UUIDText, _ request: APIRequest, action: String
    ) async throws -> Response {
        let account = try await accounts.change(.user(id)) { connection -> StoredAccount in
            let queries = AccountQueries(connection)
            let weakens = change.isAdmin == false || change.isDisabled == true
            let admins = weakens ? try queries.lockAdmins() : 0
            guard let before = try queries.account(id, lock: true) else { throw Problem.noSuchUser(id.text) }
            try request.precondition(current: EntityTag(revision: before.revision))
            if weakens, before.isAdmin, before.disabledAt == nil, admins <= 1 { throw Problem.lastAdmin }
            guard let after = try queries.change(id, change) else { throw Problem.noSuchUser(id.text) }
            if change.isDisabled == true {
                _ = try SessionQueries(connection).revokeAll(of: id, why: "the user was disabled")
            }
            try request.audit(
                action, "user:\(id.text)", before: Self.json(before), after: Self.json(after), on: connection)
            return after
        }
        return Self.answer(account, request)
    }

    private static func json(_ account: StoredAccount) -> [UInt8] {
        AccountText.json { AccountText.write(account, into: &$0) }
    }

    private static func answer(_ account: StoredAccount, _ request: APIRequest) -> Response {
        let tag = EntityTag(revision: account.revision)
        if request.method == .get || request.method == .head, tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(json(account), headers: [.eTag: tag.text])
    }
}
