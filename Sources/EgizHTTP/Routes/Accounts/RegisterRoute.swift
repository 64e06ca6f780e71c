import EgizCore
import EgizPostgres
import HTTPTypes
import Hummingbird

/// `POST /api/v1/auth/register`: an account for whoever asks, or, where that is switched off, for whoever was invited.
struct RegisterRoute: Sendable {
    let accounts: Accounts

    /// In attempts of a login: a registration costs a password's hash and stays.
    private static let cost = 5
    private static let members = ["email", "password", "name", "invitation"]

    var routes: [APIRoute] {
        [APIRoute("/api/v1/auth/register", access: .everyone, writing: AuthRoutes.small, handler: register)]
    }

    private func register(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (wanted, invitation) = try request.body(known: Self.members) { body in
            (NewAccount(reading: &body), body.text("invitation"))
        }
        let token = invitation.flatMap { OpaqueToken(.invitation, parsing: $0) }
        if invitation == nil, !accounts.configuration.registrationIsOpen { throw Problem.registrationIsOff }
        try accounts.spend(request, cost: Self.cost)
        if invitation != nil, token == nil { throw Problem.noSuchInvitation }
        let hash = try await accounts.hash(wanted.password, for: request)
        let account = try await accounts.store { connection -> StoredAccount in
            let invitations = InvitationQueries(connection)
            var invited: StoredInvitation?
            if let token {
                invited = try invitations.find(tokenHash: token.hash, email: wanted.email)
                if invited == nil { throw Problem.noSuchInvitation }
            }
            let made = try AccountQueries(connection).create(
                email: wanted.email, name: wanted.name, passwordHash: hash, isAdmin: false)
            guard let made else { throw Problem.emailIsTaken }
            if let invited {
                _ = try ProjectQueries(connection).setRole(invited.role, of: made.id, in: invited.project)
                try invitations.accept(invited.id, by: made.id)
            }
            let after = AccountText.json { AccountText.write(made, into: &$0) }
            try AuthRoutes.audit("user.register", made, request, after: after, on: connection)
            if let invited { try Self.audit(invited, of: made, request, on: connection) }
            return made
        }
        return APIAnswer.created(
            AccountText.json { AccountText.write(account, into: &$0) }, at: "/api/v1/users/me",
            eTag: EntityTag(revision: account.revision)
        ).response
    }

    /// Who becomes a member by registering is told of as one who accepts an invitation later.
    private static func audit(
        _ invitation: StoredInvitation, of account: StoredAccount, _ request: APIRequest,
        on connection: PostgresConnection
    ) throws(EngineError) {
        let after = AccountText.json { out in
            out.beginObject()
            out.member("projectId", invitation.project.text)
            out.member("role", invitation.role.name)
            out.endObject()
        }
        try AuditWriter.append(
            connection,
            AuditEntry(
                actor: "user:\(account.id.text)", actorName: account.email ?? account.name,
                action: "project.invitation.accept", object: "invitation:\(invitation.id.text)",
                project: invitation.project, after: after, remoteAddress: request.remoteAddress,
                requestID: request.requestID))
    }
}
