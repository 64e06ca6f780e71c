import EgizCore
import EgizPostgres
import HTTPTypes

/// Finds out who asks: access tokens of ours or of an outside identity provider, and API keys. What the database says about them is
/// kept for two seconds at most, and forgotten at once where this process changes it.
struct AccountGate: AccessControl {
    /// A session that was ended by another process, a user that was disabled there, a role that was taken: this much later at most.
    static let memory = Duration.seconds(2)

    private let pool: PostgresPool
    private let tokens: AccessTokens
    private let outside: OutsideTokens?
    private let provider: IdentityProvider?
    private let mayCreate: Bool
    /// Who reaches the server without credentials is the local operator.
    private let trustsLoopback: Bool

    private let sessions = BriefCache<UUIDText, StoredPrincipal?>(lifetime: Self.memory)
    private let accounts = BriefCache<String, StoredPrincipal?>(lifetime: Self.memory)
    private let keys = BriefCache<[UInt8], StoredPrincipal?>(lifetime: Self.memory)
    private let things = BriefCache<String, ProjectID?>(lifetime: Self.memory)
    private let projects = BriefCache<ProjectID, Bool>(lifetime: Self.memory)

    init(
        pool: PostgresPool, configuration: AccountConfiguration, tokens: AccessTokens, outside: OutsideTokens?,
        hasLocalOperator: Bool
    ) {
        self.pool = pool
        self.tokens = tokens
        self.outside = outside
        provider = configuration.provider
        mayCreate = configuration.registrationIsOpen
        trustsLoopback = hasLocalOperator
    }

    /// What a change makes stale of what is remembered.
    enum Stale: Sendable {
        case nothing
        /// The account, its sessions and keys, or its part in projects.
        case user(UUIDText)
        /// What belongs to which project.
        case things
        case everything
    }

    /// After a change: of one user only that user's, so that nobody empties it for all others by changing his own.
    func forget(_ stale: Stale = .everything) async {
        switch stale {
        case .nothing: break
        case .user(let user):
            await sessions.remove { $0?.userID == user }
            await accounts.remove { $0?.userID == user }
            await keys.remove { $0?.userID == user }
        case .things: await things.clear()
        case .everything:
            await sessions.clear()
            await accounts.clear()
            await keys.clear()
            await things.clear()
            await projects.clear()
        }
    }

    // MARK: AccessControl

    func principal(authorization: String?, headers: HTTPFields, remoteAddress: String?) async throws -> Principal? {
        guard let authorization else {
            return isLocal(headers, remoteAddress) ? .localOperator : nil
        }
        guard let token = Self.bearer(authorization) else { throw Problem.invalidToken }
        if token.hasPrefix(OpaqueToken.Kind.apiKey.rawValue) { return try await owner(ofKey: token) }
        if let (user, session) = await tokens.verify(token) { return try await self.session(session, of: user) }
        if let claims = await outside?.verify(token) { return try await vouched(claims) }
        throw Problem.invalidToken
    }

    func project(ofThing thing: String) async throws -> ProjectID? {
        try await things.value(thing) { [pool] in
            try await pool.run { try PrincipalQueries($0).project(ofThing: thing) }
        }
    }

    func exists(_ project: ProjectID) async throws -> Bool {
        try await projects.value(project) { [pool] in
            try await pool.run { try PrincipalQueries($0).exists(project) }
        }
    }

    // MARK: Kinds of credentials

    private func session(_ session: UUIDText, of user: UUIDText) async throws -> Principal {
        let stored = try await sessions.value(session) { [pool] in
            try await pool.run { try PrincipalQueries($0).session(session) }
        }
        guard let stored, stored.userID == user else { throw Problem.invalidToken }
        return Principal(stored, session: session)
    }

    private func owner(ofKey text: String) async throws -> Principal {
        guard let key = OpaqueToken(.apiKey, parsing: text) else { throw Problem.invalidToken }
        let stored = try await keys.value(key.hash) { [pool] in
            try await pool.run { try PrincipalQueries($0).apiKey(hash: key.hash) }
        }
        guard let stored else { throw Problem.invalidToken }
        return Principal(stored)
    }

    private func vouched(_ claims: OutsideClaims) async throws -> Principal {
        let (issuer, subject, mayCreate) = (claims.iss, claims.sub, mayCreate)
        let email = claims.verifiedEmail
        let name = String((claims.name ?? "").prefix(200)).replacing("\0", with: "")
        let stored = try await accounts.value("\(issuer)\n\(subject)") { [pool] in
            try await pool.run { connection in
                let account = try AccountQueries(connection).outside(
                    issuer: issuer, subject: subject, email: email, name: name, mayCreate: mayCreate)
                return try account.flatMap { try PrincipalQueries(connection).account($0.id) }
            }
        }
        guard let stored else { throw Problem.invalidToken }
        return Principal(stored)
    }

    /// Loopback, and not passed on by a proxy for somebody else.
    private func isLocal(_ headers: HTTPFields, _ remoteAddress: String?) -> Bool {
        guard trustsLoopback, remoteAddress.map(Self.isLoopback) ?? true else { return false }
        return HTTPField.Name.passedOn.allSatisfy { headers[$0] == nil }
    }

    static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address.lowercased().hasPrefix("::ffff:127.")
    }

    /// The token of `Bearer <token>`; the word in any case (RFC 7235), the token without spaces.
    static func bearer(_ value: String) -> String? {
        let parts = value.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

extension HTTPField.Name {
    static let forwarded = HTTPField.Name("Forwarded") ?? .from
    static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .from
    static let realIP = HTTPField.Name("X-Real-IP") ?? .from

    /// What proxies add: a request that has one of them comes from somebody else.
    static let passedOn: [HTTPField.Name] =
        [.forwarded, .forwardedFor, .realIP, .via]
        + [
            "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Original-Forwarded-For", "CF-Connecting-IP",
            "True-Client-IP",
        ]
        .compactMap { HTTPField.Name($0) }
}
