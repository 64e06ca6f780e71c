import EgizCore
import EgizPostgres
import Logging

/// What the routes of accounts and projects share.
struct Accounts: Sendable {
    let pool: PostgresPool
    let configuration: AccountConfiguration
    let tokens: AccessTokens
    let gate: AccountGate
    let hasher = PasswordHasher()
    let limiter = AddressLimiter()
    /// Checks of passwords, one at a time for each address or account that is tried.
    let attempts = OneAtATime<[UInt8]>()
    let logger: Logger

    init(pool: PostgresPool, configuration: AccountConfiguration, hasLocalOperator: Bool, logger: Logger) {
        self.pool = pool
        self.configuration = configuration
        self.logger = logger
        tokens = AccessTokens(configuration.secret ?? .random())
        gate = AccountGate(
            pool: pool, configuration: configuration, tokens: tokens,
            outside: configuration.provider.map { OutsideTokens($0, logger: logger) },
            hasLocalOperator: hasLocalOperator)
    }

    var routes: [APIRoute] {
        AuthRoutes(accounts: self).routes + RegisterRoute(accounts: self).routes + UserRoutes(accounts: self).routes
            + APIKeyRoutes(accounts: self).routes + ProjectRoutes(accounts: self).routes
            + MemberRoutes(accounts: self).routes + BelongingRoutes(accounts: self).routes
            + InvitationRoutes(accounts: self).routes + AuditRoutes(pool: pool).routes
    }

    /// Runs a change in one transaction, then forgets what was remembered of accounts, so that it holds from the answer on.
    ///
    /// For bodies with secrets: unlike `PostgresPool.change` it keeps nothing of the request.
    func change<T: Sendable>(
        _ stale: AccountGate.Stale, _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        let result = try await store(body)
        await gate.forget(stale)
        return result
    }

    /// As `change`, for what changes nothing that is remembered: whoever signs in or renews a token does not empty it for all others.
    func store<T: Sendable>(_ body: @escaping @Sendable (PostgresConnection) throws -> T) async throws -> T {
        try await pool.run { connection in
            try connection.execute("begin")
            let result = try body(connection)
            try connection.execute("commit")
            return result
        }
    }

    /// As `change`, for bodies without secrets: a POST with an `Idempotency-Key` happens once.
    func change(
        _ request: APIRequest, _ stale: AccountGate.Stale,
        _ body: @escaping @Sendable (PostgresConnection) throws -> APIAnswer
    ) async throws -> APIAnswer {
        let answer = try await pool.change(request, body)
        await gate.forget(stale)
        return answer
    }

    func hash(_ password: String, for request: APIRequest) async throws -> String {
        try await hasher.run(for: request.remoteAddress) { [cost = configuration.passwordCost] in
            try PasswordHash(of: password, cost: cost).text
        }
    }

    /// Whether the password fits the stored hash; takes as long where there is none, and where it was made for less.
    func matches(_ password: String, _ stored: String?, for request: APIRequest) async throws -> Bool {
        try await hasher.run(for: request.remoteAddress) { [cost = configuration.passwordCost] in
            let hash = stored.flatMap { PasswordHash(parsing: $0) }
            let fits = try hash?.matches(password) ?? false
            if PasswordHash.needsMore(than: hash?.cost, toCost: cost) { _ = try PasswordHash(of: password, cost: cost) }
            return fits
        }
    }

    /// Throws 429 where the address has no attempts left, else takes `cost` of them.
    func spend(_ request: APIRequest, cost: Int = 1) throws(Problem) {
        if let seconds = limiter.take(request.remoteAddress, cost: cost) { throw .tooManyAttempts(seconds: seconds) }
    }
}
