import EgizPostgres

/// Whose things are.
protocol LiveOwners: Sendable {
    /// The project of each of these things, in their order; nil: nobody's.
    func projects(of things: [String]) async throws -> [ProjectID?]

    /// As `LiveQueries.moves`.
    func moves(after: Int64?) async throws -> (moves: [LiveMove], last: Int64, isWhole: Bool)
}

extension LiveQueries: LiveOwners {
    func moves(after: Int64?) async throws -> (moves: [LiveMove], last: Int64, isWhole: Bool) {
        try await moves(after: after, limit: 1000)
    }
}
