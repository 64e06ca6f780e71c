import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/projects/{project}/invitations` and `/api/v1/invitations/accept`. No mail is sent: who invites passes the token on, and
/// only an account with the invited address can use it.
struct InvitationRoutes: Sendable {
    let accounts: Accounts

    private static let path = "/api/v1/projects/{project}/invitations"
    private static let parameters = ["limit", "cursor"]
    private static let mostDays: Int64 = 90
    private static let days: Int64 = 14
    private static let day: Int64 = 86_400_000_000

    var routes: [APIRoute] {
        [
            APIRoute(Self.path, access: .project(.owner), parameters: Self.parameters, handler: list),
            APIRoute(Self.path, access: .project(.owner), writing: AuthRoutes.small, handler: create),
            APIRoute(
                Self.path + "/{invitationId}", access: .project(.owner), writing: .bodyless(.delete), handler: withdraw),
            APIRoute("/api/v1/invitations/accept", access: .account, writing: AuthRoutes.small, handler: accept),
        ]
    }

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let project = try request.requiredProject()
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.invitations, question: [project.text])
        try reader.finish()
        let after = cursor.flatMap { TimedPlace($0.place) }
        let page = try await accounts.pool.run {
            try InvitationQueries($0).open(of: project, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 256 * page.invitations.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for invitation in page.invitations {
            out.beginObject()
            AccountText.members(invitation, into: &out)
            out.endObject()
        }
        out.endArray()
        if page.hasMore, let last = page.invitations.last {
            let place = TimedPlace(time: last.createdAt, id: last.id)
            out.next(PageCursor(.invitations, question: [project.text], place: place.text).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let (email, role, days) = try request.body(known: ["email", "role", "expiresInDays"]) { body in
            let text = body.requiredText("email", length: 1...EmailAddress.longest)
            let email = EmailAddress.normalized(text)
            if email == nil, !text.isEmpty {
                body.refuse("email", "email must be an address, such as maria@example.com.")
            }
            return (
                email ?? "", body.role("role"),
                body.integer("expiresInDays", in: 1...Self.mostDays) ?? Self.days
            )
        }
        let token = OpaqueToken(.invitation)
        let expiresAt = WallClock.now().advanced(byMicroseconds: days * Self.day)
        let user = request.principal?.userID
        let invitation = try await accounts.store { connection -> StoredInvitation in
            try ProjectQueries(connection).lock(project)
            let made = try InvitationQueries(connection).create(
                project, email: email, role: role, tokenHash: token.hash, by: user, expiresAt: expiresAt)
            try request.audit(
                "project.invitation.create", "invitation:\(made.id.text)", after: Self.json(made), on: connection)
            return made
        }
        let body = AccountText.json { out in
            out.beginObject()
            // Only here, only now.
            out.member("token", token.text)
            AccountText.members(invitation, into: &out)
            out.endObject()
        }
        return APIAnswer.created(body, at: "\(request.path)/\(invitation.id.text)").response
    }

    private func withdraw(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let id = try request.uuid("invitationId") { _ in Problem.noSuchInvitation }
        return try await accounts.change(request, .nothing) { connection in
            guard let before = try InvitationQueries(connection).withdraw(id, of: project) else {
                throw Problem.noSuchInvitation
            }
            try request.audit(
                "project.invitation.withdraw", "invitation:\(id.text)", before: Self.json(before), on: connection)
            return .nothing
        }.response
    }

    /// Makes the caller a member; never takes a role away that they have already.
    private func accept(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let text = try request.body(known: ["token"]) { $0.requiredText("token", length: 1...64) }
        guard let user = request.principal?.userID else { throw Problem.needsAccount }
        try accounts.spend(request)
        guard let token = OpaqueToken(.invitation, parsing: text) else { throw Problem.noSuchInvitation }
        let body = try await accounts.change(.user(user)) { connection -> [UInt8] in
            let (invitations, projects) = (InvitationQueries(connection), ProjectQueries(connection))
            guard let account = try AccountQueries(connection).account(user), let email = account.email,
                let invitation = try invitations.find(tokenHash: token.hash, email: email)
            else { throw Problem.noSuchInvitation }
            try projects.lock(invitation.project)
            let before = try projects.member(user, of: invitation.project)
            let role = max(before?.role ?? .viewer, invitation.role)
            _ = try projects.setRole(role, of: user, in: invitation.project)
            try invitations.accept(invitation.id, by: user)
            let body = AccountText.json { out in
                out.beginObject()
                out.member("projectId", invitation.project.text)
                out.member("role", role.name)
                out.endObject()
            }
            try request.audit(
                "project.invitation.accept", "invitation:\(invitation.id.text)", project: invitation.project,
                after: body, on: connection)
            return body
        }
        accounts.limiter.giveBack(request.remoteAddress)
        return .json(body)
    }

    private static func json(_ invitation: StoredInvitation) -> [UInt8] {
        AccountText.json { out in
            out.beginObject()
            AccountText.members(invitation, into: &out)
            out.endObject()
        }
    }
}
