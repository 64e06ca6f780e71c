/// Asks whether the database can be used.
public struct HealthQueries: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// How the schema stands to what this binary needs.
    ///
    /// Errors: `.postgres`/`.backoff` where the database is away.
    public func schema() async throws -> Migrator.Status {
        try await pool.run { connection in try Migrator(connection).status() }
    }
}
