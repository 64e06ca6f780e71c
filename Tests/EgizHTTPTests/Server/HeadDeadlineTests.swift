import EgizPostgres
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import EgizHTTP

/// Connections that take their time: slow-loris, idle, malformed.
@Suite(.timeLimit(.minutes(1))) struct HeadDeadlineTests {
    private func withServer(
        _ configuration: APIConfiguration, logger: Logger = TestAPI.quiet,
        _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let server = APIServer(configuration: configuration, pool: pool, lag: nil, logger: logger)
        try await server.application().test(.live) { try await body(try #require($0.port)) }
    }

    private func fast(head: Duration = .milliseconds(150)) -> APIConfiguration {
        var configuration = APIConfiguration(port: 0)
        configuration.headDeadline = head
        return configuration
    }

    /// A byte of a header now and then keeps no connection open: the deadline is for the whole head.
    @Test func headersThatTrickleInAreCutAtTheDeadline() async throws {
        try await withServer(fast()) { port in
            let start = ContinuousClock.now
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try await channel.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try? await outbound.write(ByteBuffer(string: "GET /healthz HTTP/1.1\r\n"))
                        for number in 0..<10_000 {
                            try await Task.sleep(for: .milliseconds(5))
                            try? await outbound.write(ByteBuffer(string: "x-\(number): a\r\n"))
                        }
                    }
                    do { for try await _ in inbound {} } catch is IOError {}
                    group.cancelAll()
                    try? await group.waitForAll()
                }
            }
            #expect(.now - start >= .milliseconds(140) && .now - start < .seconds(20))
        }
    }

    @Test func aConnectionThatSaysNothingIsCutAtTheDeadline() async throws {
        try await withServer(fast()) { port in
            let answer = try await EventStreamClient.read(port: port, "") { _ in false }
            #expect(answer.isEmpty)
        }
    }

    @Test(arguments: [
        "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "G\u{e9}T / HTTP/1.1\r\n\r\n",
    ])
    func whatIsNoHTTPIsRefusedAtOnce(request: String) async throws {
        try await withServer(fast(head: .seconds(30))) { port in
            let start = ContinuousClock.now
            let answer = try await EventStreamClient.read(port: port, request) { _ in false }
            #expect(answer.hasPrefix("HTTP/1.1 400") || answer.hasPrefix("HTTP/1.1 505"))
            #expect(.now - start < .seconds(15))
        }
    }

    @Test func aBodyBeyondItsBoundIsRefusedWithoutBeingReadToTheEnd() async throws {
        try await withServer(fast(head: .seconds(30))) { port in
            let answer = try await EventStreamClient.read(
                port: port,
                "POST /api/v1/dead-letters/redrive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 100000000\r\nConnection: close\r\n\r\n" + String(repeating: " ", count: 2 << 20)
            ) { $0.contains("\r\n\r\n") }
            #expect(answer.hasPrefix("HTTP/1.1 413"))
        }
    }

    /// Whoever breaks off a thousand bodies must not fill the log.
    @Test func aBodyThatIsBrokenOffIsNoErrorOfOurs() async throws {
        let log = RecordedLog()
        try await withServer(fast(head: .seconds(30)), logger: log.logger) { port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            try await channel.writeAndFlush(
                ByteBuffer(
                    string: "POST /api/v1/dead-letters/redrive HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"))
            try await channel.close()
            while !log.text.contains("request broken off"), !log.text.contains("request failed") {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        #expect(!log.text.contains("error "), "\(log.text)")
    }

    /// While many connections wait for their own deadlines, others are answered.
    @Test func othersAreAnsweredMeanwhile() async throws {
        try await withServer(fast(head: .seconds(5))) { port in
            let group = MultiThreadedEventLoopGroup.singleton
            var idle: [any Channel] = []
            for _ in 0..<200 {
                let channel = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
                channel.writeAndFlush(ByteBuffer(string: "GET /heal"), promise: nil)
                idle.append(channel)
            }
            let answer = try await EventStreamClient.read(
                port: port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ) { $0.contains(#"{"status":"ok"}"#) }
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            for channel in idle { try? await channel.close() }
        }
    }
}
