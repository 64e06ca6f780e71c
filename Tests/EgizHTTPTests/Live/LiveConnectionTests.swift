import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import NIOCore
import NIOPosix
import Testing

@testable import EgizHTTP

/// One connection of live push on its loop, without a socket and without a database.
@Suite(.timeLimit(.minutes(1))) struct LiveConnectionTests {
    /// A connection of somebody who is in.
    private func withConnection(
        _ principal: Principal, _ body: (LiveConnection, MemorySink) async throws -> Void
    ) async throws {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration()
        // Who the principal is the tests say, and nobody else.
        configuration.live.rightsInterval = .seconds(3600)
        configuration.live.pingInterval = .seconds(3600)
        let server = APIServer(
            configuration: configuration, pool: pool, owners: MemoryOwners(), lag: nil, tail: MemoryTail(),
            logger: TestAPI.quiet)
        let service = try #require(server.live)
        let shard = service.hub.shard(of: MultiThreadedEventLoopGroup.singleton.next())
        let sink = MemorySink()
        let connection = try await shard.loop.submit {
            _ = service.enter()
            let connection = LiveConnection(
                shard: shard, service: service, sink: sink,
                credential: LiveCredential(token: nil, headers: [:], remoteAddress: nil))
            connection.welcome(principal)
            return connection
        }.get()
        do {
            try await body(connection, sink)
        } catch {
            try await on(connection) { $0.close(.done) }
            throw error
        }
        try await on(connection) { $0.close(.done) }
    }

    @discardableResult
    private func on<T: Sendable>(
        _ connection: LiveConnection, _ body: @escaping @Sendable (LiveConnection) -> T
    ) async throws -> T {
        try await connection.loop.submit { body(connection) }.get()
    }

    /// Yields until it holds; a test that fails ends by its time limit.
    private func until(_ holds: () -> Bool) async throws {
        while !holds() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private static func problems(_ sink: MemorySink) throws -> [String] {
        try sink.frames("error").compactMap { try JSONParser().parse($0.json)["id"]?.string }
    }

    // MARK: Who does not read

    @Test func whoDoesNotReadIsAnsweredWhenTheyReadInTheOrderOfTheirQuestions() async throws {
        try await withConnection(.localOperator) { connection, sink in
            try await on(connection) { connection in
                sink.isWritable = false
                for number in 0..<50 { connection.received(Array(#"{"type":"x","id":"\#(number)"}"#.utf8)) }
            }
            #expect(try Self.problems(sink) == [])
            try await on(connection) { connection in
                sink.isWritable = true
                connection.becameWritable()
                connection.received(Array(#"{"type":"x","id":"50"}"#.utf8))
            }
            #expect(try Self.problems(sink) == (0...50).map { "\($0)" })
        }
    }

    @Test func whoAsksMoreThanCanWaitAndDoesNotReadIsLetGo() async throws {
        try await withConnection(.localOperator) { connection, sink in
            try await on(connection) { connection in
                sink.isWritable = false
                let text = Array(#"{"type":"x","id":"\#(String(repeating: "a", count: 60 << 10))"}"#.utf8)
                for _ in 0..<5 { connection.received(text) }
            }
            #expect(try Self.problems(sink) == [] && sink.end == .tooManyMessages)
        }
    }

    // MARK: Rights

    /// Its pages are read with the rights that it began with.
    @Test func aSnapshotUnderWayBeginsAnewWhereRightsAreLost() async throws {
        let both = LiveFixture.member(LiveFixture.projectA, LiveFixture.projectB)
        try await withConnection(both) { connection, sink in
            var live = LiveFixture.subscription("live", kinds: [.twin])
            live.wantsSnapshot = false
            try await on(connection) { [live] connection in
                connection.begin(live)
                // Its first page waits until the client reads.
                sink.isWritable = false
                connection.begin(LiveFixture.subscription("s", kinds: [.twin]))
            }
            let before = try await on(connection) { $0.snapshots["s"] }
            try await on(connection) { $0.take(LiveFixture.member(LiveFixture.projectA)) }
            let after = try await on(connection) { $0.snapshots["s"] }
            #expect(before != nil && after != nil && before != after)
            let begun = try sink.frames("resync").map { try JSONParser().parse($0.json)["id"]?.string }
            #expect(begun == ["s"], "and what is live goes on")
        }
    }

    @Test func aSubscriptionWhoseNameWasAskedForInVainStillEndsWithItsRights() async throws {
        try await withConnection(LiveFixture.member(LiveFixture.projectA)) { connection, sink in
            var own = LiveFixture.subscription("s", projects: [LiveFixture.projectA])
            own.wantsSnapshot = false
            try await on(connection) { [own] connection in
                connection.begin(own)
                connection.subscribe(LiveFixture.subscription("s", projects: [LiveFixture.projectB]))
            }
            try await until { sink.frames("error").count == 1 }
            #expect(try await on(connection) { $0.session?.subscriptions.count } == 1)
            try await on(connection) { $0.take(LiveFixture.member()) }
            try await until { sink.frames("error").count == 2 }
            #expect(try await on(connection) { $0.session?.subscriptions.count } == 0)
        }
    }
}
