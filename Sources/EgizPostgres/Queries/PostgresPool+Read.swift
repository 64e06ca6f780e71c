extension PostgresPool {
    /// How long one statement of a query may take. Below the API's deadline, so that the answer can still say what happened.
    static let readStatementTimeout = "20s"

    /// Runs queries on one snapshot, read-only, with a limit on time; the pool rolls back what throws.
    ///
    /// Errors: as of `run`; SQLSTATE 57014 in `detail` where the limit was reached.
    func read<T: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        try await run { connection in
            try connection.execute(
                """
                begin isolation level repeatable read, read only;
                set local statement_timeout = '\(Self.readStatementTimeout)'
                """)
            let result = try body(connection)
            try connection.execute("commit")
            return result
        }
    }
}
