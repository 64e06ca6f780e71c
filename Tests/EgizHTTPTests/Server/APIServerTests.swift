import EgizCore
import EgizPostgres
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import EgizHTTP

@Suite struct APIServerTests {
    private func server(_ configuration: APIConfiguration, onBound: @escaping @Sendable (Int) -> Void = { _ in })
        -> APIServer
    {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        return APIServer(configuration: configuration, pool: pool, lag: nil, logger: TestAPI.quiet, onBound: onBound)
    }

    @Test(arguments: [
        "0.0.0.0", "::", "", "192.168.1.5", "example.org", "127.0.0.1.evil.example", "127.1", "128.0.0.1",
        "127.0.0.256",
    ])
    func addressesOutsideLoopbackAreRefusedWithWhy(host: String) async throws {
        let error = await #expect(throws: EngineError.self) {
            try await server(APIConfiguration(host: host, port: 0)).run()
        }
        #expect(error?.code == .config && error?.retry == .stop)
        #expect(
            error?.message.contains("EGIZ_JWT_SECRET_FILE") == true
                && error?.message.contains("EGIZ_HTTP_ADDRESS") == true
        )
    }

    @Test(arguments: ["0.0.0.0", "::", "192.168.1.5"])
    func aSecretLetsTheServerListenOutsideLoopback(host: String) throws {
        var configuration = APIConfiguration(host: host)
        configuration.accounts = AccountConfiguration(secret: try TokenSecret(TestPeople.secret))
        #expect(throws: Never.self) { try configuration.check() }
        #expect(configuration.isOutside)
        configuration.accounts = nil
        #expect(throws: EngineError.self) { try configuration.check() }
    }

    /// Where others reach it, nobody is an admin by reaching it, metrics are the admins', and any host name may be ours.
    @Test func outsideLoopbackEverybodyNeedsCredentials() async throws {
        var configuration = APIConfiguration(host: "0.0.0.0", port: 0)
        configuration.accounts = AccountConfiguration(demand: .loopback, secret: try TokenSecret(TestPeople.secret))
        let server = server(configuration)
        for uri in ["/api/v1/twins", "/api/v1/audit", "/metrics", "/api/v1/users/me"] {
            #expect(try await server.send(.get, uri).status == .unauthorized, "\(uri)")
        }
        #expect(try await server.send(.get, "/healthz").status == .ok)
    }

    @Test(arguments: ["127.0.0.1:8080", "localhost:0", "[::1]:80", "127.5.4.3:1"])
    func loopbackAddressesAreTaken(address: String) throws {
        #expect(throws: Never.self) { try APIConfiguration(address: address) }
    }

    @Test(arguments: [
        "", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", "0.0.0.0:80",
    ])
    func otherAddressesAreRefused(address: String) {
        #expect(throws: EngineError.self) { try APIConfiguration(address: address) }
    }

    @Test func aPortInUseSaysWhichAndWhatToDo() async throws {
        let taken = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            host: "127.0.0.1", port: 0
        ).get()
        let port = try #require(taken.localAddress?.port)
        let error = await #expect(throws: EngineError.self) { try await server(APIConfiguration(port: port)).run() }
        #expect(error?.code == .config && error?.retry == .stop)
        #expect(error?.message.contains("port \(port)") == true && error?.message.contains("EGIZ_HTTP_ADDRESS") == true)
        try await taken.close()
    }

    @Test func theBoundPortIsReportedAndShutdownEndsTheServer() async throws {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let group = ServiceGroup(
            services: [server(APIConfiguration(port: 0)) { found.yield($0) }], logger: TestAPI.quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                #expect(port > 0)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func aRequestWhoseBodyTricklesInIsCutAtTheDeadline() async throws {
        let api = server(APIConfiguration(port: 0, requestDeadline: .milliseconds(200)))
        try await api.application().test(.live) { client in
            let port = try #require(client.port)
            let start = ContinuousClock.now
            let closed = try await Self.send(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx", port: port)
            // The answer comes at once; the rest of the body never does, and the server hangs up.
            #expect(closed.contains("200 OK"))
            #expect(.now - start >= .milliseconds(190))
            #expect(.now - start < .seconds(30), "the idle timer, a minute, would have closed it as well")
        }
    }

    @Test func aConnectionThatIsSilentIsClosed() async throws {
        var configuration = APIConfiguration(port: 0, idleTimeout: .milliseconds(200))
        configuration.headDeadline = .milliseconds(200)
        let api = server(configuration)
        try await api.application().test(.live) { client in
            let port = try #require(client.port)
            #expect(try await Self.send("GET /heal", port: port).isEmpty)
        }
    }

    @Test func headersBeyondTheLimitAreRefused() async throws {
        let api = server(APIConfiguration(port: 0))
        try await api.application().test(.live) { client in
            let request =
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n"
            let answer = try await Self.send(request, port: #require(client.port))
            #expect(answer.isEmpty || answer.contains(" 400 ") || answer.contains(" 431 "))
        }
    }

    @Test func requestsUnderAForeignHostNameAreRefused() async throws {
        let api = server(APIConfiguration(port: 0))
        try await api.application().test(.live) { client in
            let request = "GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
            let port = try #require(client.port)
            #expect(try await Self.send(request, port: port).contains(" 421 "))
        }
    }

    /// Sends bytes and gives what comes back until the server closes.
    private static func send(_ text: String, port: Int) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            do {
                for try await part in inbound { answer += String(buffer: part) }
            } catch is IOError {
                // Reset instead of an orderly end: closed all the same.
            }
            return answer
        }
    }
}
