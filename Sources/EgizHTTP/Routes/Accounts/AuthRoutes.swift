import EgizCore
import EgizPostgres
import HTTPTypes
import Hummingbird
import EgizTwin
import Logging

/// `/api/v1/auth`: login, refresh, logout, and another password.
struct AuthRoutes: Sendable {
    let accounts: Accounts

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/auth/login", access: .everyone, writing: Self.small, handler: login),
            APIRoute("/api/v1/auth/refresh", access: .everyone, writing: Self.small, handler: refresh),
            APIRoute(
                "/api/v1/auth/logout", access: .account, parameters: Self.logoutParameters,
                writing: .bodyless(.post, takesKeys: false), handler: logout),
            APIRoute(
                "/api/v1/auth/password", access: .account, parameters: Self.passwordParameters, writing: Self.small,
                handler: password),
        ]
    }

    /// Bodies or answers with secrets.
    static let small = APIRoute.Writing.json(.post, largest: 8192, takesKeys: false)
    private static let logoutParameters = ["everywhere"]
    private static let passwordParameters = ["revokeKeys"]

    // MARK: Login

    private func login(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (email, password) = try request.body(known: ["email", "password"]) { body in
            (body.requiredText("email", length: 1...EmailAddress.longest), body.requiredText("password"))
        }
        try accounts.spend(request)
        // What is no address has no account; it is counted like one that has none.
        let address = EmailAddress.normalized(email) ?? email.lowercased()
        let stored = try await check(password, Self.subject(address), request) { connection throws(EngineError) in
            try AccountQueries(connection).credentials(email: address)
        }
        guard let stored, stored.account.disabledAt == nil else { throw Problem.invalidCredentials }
        accounts.limiter.giveBack(request.remoteAddress)
        return try await begin(stored, address, request)
    }

    /// The account where the password is right. Throws 429 while the subject is locked; counts what fails.
    ///
    /// One at a time for each subject: else many guesses would pass the lock before the first of them is counted.
    private func check(
        _ password: String, _ subject: [UInt8], _ request: APIRequest,
        _ find: @escaping @Sendable (PostgresConnection) throws(EngineError) -> StoredCredentials?
    ) async throws -> StoredCredentials? {
        try await accounts.attempts.pass(subject) {
            let stored = try await accounts.pool.run { connection in
                if let seconds = try LoginFailures(connection).lock(subject) {
                    throw Problem.locked(seconds: seconds)
                }
                return try find(connection)
            }
            if try await accounts.matches(password, stored?.passwordHash, for: request) { return stored }
            try await count(subject, stored, request)
            return nil
        }
    }

    private func count(_ subject: [UInt8], _ stored: StoredCredentials?, _ request: APIRequest) async throws {
        let seconds = try await accounts.pool.run { connection -> Int64? in
            try connection.execute("begin")
            let seconds = try LoginFailures(connection).count(subject)
            if let seconds, let account = stored?.account {
                let after = AccountText.json { out in
                    out.beginObject()
                    out.member("seconds", seconds)
                    out.endObject()
                }
                try request.audit("auth.lock", "user:\(account.id.text)", after: after, on: connection)
            }
            try connection.execute("commit")
            return seconds
        }
        if seconds != nil {
            accounts.logger.notice(
                "logins of an e-mail address are locked after failures",
                metadata: [
                    "egiz.http.request-id": "\(request.requestID)",
                    "egiz.http.remote": "\(request.remoteAddress ?? "-")",
                ])
        }
    }

    private func begin(
        _ stored: StoredCredentials, _ address: String, _ request: APIRequest
    ) async throws -> Response {
        let account = stored.account
        let refresh = OpaqueToken(.refresh)
        let lifetime = accounts.configuration.refreshLifetime
        let agent = request.headers[.userAgent].map { String($0.prefix(256)) }
        // Nothing that is remembered of accounts changes: a session begins.
        let session = try await accounts.store { connection in
            let queries = AccountQueries(connection)
            // Disabled, or another password, while this one was being checked: the row tells.
            guard let now = try queries.account(account.id, lock: true), now.disabledAt == nil,
                try queries.credentials(account.id)?.passwordHash == stored.passwordHash
            else { throw Problem.invalidCredentials }
            try LoginFailures(connection).forget(Self.subject(address))
            let session = try SessionQueries(connection).begin(
                user: account.id, tokenHash: refresh.hash, lifetime: lifetime, remoteAddress: request.remoteAddress,
                userAgent: agent)
            try Self.audit("auth.login", account, request, on: connection)
            return session
        }
        try await renewHash(stored, request)
        let access = try await accounts.tokens.sign(
            user: account.id, session: session, lifetime: accounts.configuration.accessLifetime)
        return .json(
            LoginAnswer.json(
                access: access, refresh: refresh, configuration: accounts.configuration, account: account))
    }

    /// A hash with other parameters than today's is replaced while the password is at hand. Where too many wait, another time.
    private func renewHash(_ stored: StoredCredentials, _ request: APIRequest) async throws {
        guard let old = stored.passwordHash, let hash = PasswordHash(parsing: old),
            hash.cost != accounts.configuration.passwordCost,
            let password = (try? BodyReader(request.body, known: ["email", "password"]))?.value("password")?.string,
            let renewed = try? await accounts.hash(password, for: request)
        else { return }
        try await accounts.pool.run { connection in
            try AccountQueries(connection).renewHash(stored.account.id, renewed, of: old)
        }
    }

    /// What failures are counted by. Hashed, so that no table holds what people typed by mistake, such as their password.
    static func subject(_ address: String) -> [UInt8] { SHA256.hash(Array("login:\(address)".utf8)) }

    /// Of somebody who is signed in and says the present password: whoever fails to sign in as them does not count here.
    static func subject(_ user: UUIDText) -> [UInt8] { SHA256.hash(Array("password:\(user.text)".utf8)) }

    /// An entry whose actor is the account itself: nobody has signed in yet.
    static func audit(
        _ action: String, _ account: StoredAccount, _ request: APIRequest, after: [UInt8]? = nil,
        on connection: PostgresConnection
    ) throws(EngineError) {
        try AuditWriter.append(
            connection,
            AuditEntry(
                actor: "user:\(account.id.text)", actorName: account.email ?? account.name, action: action,
                object: "user:\(account.id.text)", after: after, remoteAddress: request.remoteAddress,
                requestID: request.requestID))
    }

    // MARK: Refresh

    private func refresh(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let text = try request.body(known: ["refreshToken"]) { $0.requiredText("refreshToken") }
        guard let token = OpaqueToken(.refresh, parsing: text) else { throw Problem.invalidToken }
        try accounts.spend(request)
        let next = OpaqueToken(.refresh)
        let lifetime = accounts.configuration.refreshLifetime
        let rotation = try await accounts.store { connection -> SessionQueries.Rotation in
            let rotation = try SessionQueries(connection).rotate(token.hash, to: next.hash, lifetime: lifetime)
            if case .reused(let session, let user) = rotation {
                try request.audit(
                    "auth.refresh-reuse", "session:\(session.text)", after: Self.user(user), on: connection)
            }
            return rotation
        }
        switch rotation {
        case .unknown: throw Problem.invalidToken
        case .reused(let session, let user):
            await accounts.gate.forget(.user(user))
            accounts.logger.warning(
                "a refresh token was used twice: somebody has a copy of it; its session has ended",
                metadata: [
                    "egiz.session": "\(session.text)", "egiz.user": "\(user.text)",
                    "egiz.http.request-id": "\(request.requestID)",
                    "egiz.http.remote": "\(request.remoteAddress ?? "-")",
                ])
            throw Problem.invalidToken
        case .renewed(let session, let user):
            accounts.limiter.giveBack(request.remoteAddress)
            let access = try await accounts.tokens.sign(
                user: user, session: session, lifetime: accounts.configuration.accessLifetime)
            return .json(LoginAnswer.json(access: access, refresh: next, configuration: accounts.configuration))
        }
    }

    private static func user(_ id: UUIDText) -> [UInt8] {
        AccountText.json { out in
            out.beginObject()
            out.member("userId", id.text)
            out.endObject()
        }
    }

    // MARK: Logout

    private func logout(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.logoutParameters)
        let everywhere = reader.flag("everywhere")
        try reader.finish()
        guard let principal = request.principal, let user = principal.userID else { throw Problem.needsAccount }
        // A token of an outside identity provider has no session here; it would go on, whatever the answer says.
        guard let session = principal.session else { throw Problem.noSession }
        try await accounts.change(.user(user)) { connection in
            let sessions = SessionQueries(connection)
            if everywhere {
                _ = try sessions.revokeAll(of: user, why: "logout everywhere")
            } else {
                _ = try sessions.revoke(session, why: "logout")
            }
            try request.audit("auth.logout", "user:\(user.text)", on: connection)
        }
        return Response(status: .noContent)
    }

    // MARK: Password

    private func password(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.passwordParameters)
        let revokesKeys = reader.flag("revokeKeys")
        try reader.finish()
        let (current, new) = try request.body(known: ["currentPassword", "newPassword"]) { body in
            (body.requiredText("currentPassword"), body.requiredText("newPassword"))
        }
        guard let user = request.principal?.userID else { throw Problem.needsAccount }
        try accounts.spend(request)
        let stored = try await accounts.pool.run { try AccountQueries($0).credentials(user) }
        guard let stored, stored.passwordHash != nil, let email = stored.account.email else { throw Problem.noPassword }
        if let fault = PasswordRules.fault(of: new, email: email) {
            throw Problem.invalidBody([.init(pointer: "/newPassword", detail: fault)])
        }
        let checked = try await check(current, Self.subject(user), request) { connection throws(EngineError) in
            try AccountQueries(connection).credentials(user)
        }
        guard let hash = checked?.passwordHash else { throw Problem.wrongPassword }
        let renewed = try await accounts.hash(new, for: request)
        try await accounts.change(.user(user)) { connection in
            let queries = AccountQueries(connection)
            _ = try queries.account(user, lock: true)
            // Two changes at once: the second one's present password is not right any more.
            guard try queries.credentials(user)?.passwordHash == hash else { throw Problem.wrongPassword }
            try queries.setPassword(user, hash: renewed)
            _ = try SessionQueries(connection).revokeAll(of: user, why: "another password")
            let keys = revokesKeys ? try APIKeyQueries(connection).revokeAll(of: user) : 0
            for subject in [Self.subject(user), Self.subject(email)] { try LoginFailures(connection).forget(subject) }
            let after = AccountText.json { out in
                out.beginObject()
                out.member("revokedKeys", keys)
                out.endObject()
            }
            try request.audit("auth.password", "user:\(user.text)", after: after, on: connection)
        }
        accounts.limiter.giveBack(request.remoteAddress)
        return Response(status: .noContent)
    }
}
