import EgizCore
import EgizPostgres
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import EgizHTTP

/// A server with live push from a log in memory; its pool has no database.
enum LiveTestServer {
    /// Calls `body` with the port, and what begins to read the log, once.
    static func withPort<T: Sendable>(
        _ tail: MemoryTail, configure: (inout APIConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int, _ begin: @Sendable () -> Void) async throws -> T
    ) async throws -> T {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration()
        configuration.live.tick = .milliseconds(1)
        configure(&configuration)
        let server = APIServer(
            configuration: configuration, pool: pool, owners: MemoryOwners(), lag: nil, tail: tail,
            logger: TestAPI.quiet)
        let hub = try #require(server.live).hub
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            for await _ in begun { break }
            await hub.run()
        }
        defer { running.cancel() }
        return try await server.application().test(.live) {
            let result = try await body(try #require($0.port)) { begin.yield() }
            // As in the server: at its end the clients are told first.
            running.cancel()
            return result
        }
    }
}
