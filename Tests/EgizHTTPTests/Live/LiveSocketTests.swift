import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOHTTP1
import NIOWebSocket
import TestSupport
import Testing

@testable import EgizHTTP

/// Sockets of live push against a log in memory; the pool has no database.
@Suite(.timeLimit(.minutes(1))) struct LiveSocketTests {
    private func withServer<T: Sendable>(
        _ tail: MemoryTail = MemoryTail(), configure: (inout APIConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int) async throws -> T
    ) async throws -> T {
        try await LiveTestServer.withPort(tail, configure: configure) { port, begin in
            begin()
            return try await body(port)
        }
    }

    private static let subscribe = #"{"type":"subscribe","id":"s","snapshot":false}"#

    @Test func changesArriveInTheirOrderWithATokenToComeBackWith() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            let token = try await SocketClient.open(port: port) { socket in
                let welcome = try await socket.message("welcome")
                #expect(welcome["admin"] == .bool(true) && welcome["name"] == .string("local operator"))
                try await socket.send(Self.subscribe)
                #expect(try await socket.message("live")["id"] == .string("s"))
                tail.change(1, "/attributes/a", "1")
                let item = try #require(try await socket.message("changes")["items"]?.array?.first)
                #expect(item["kind"] == .string("twin") && item["thingId"] == .string("t:a"))
                #expect(item["position"]?["offset"] == .int(0))
                #expect(item["value"]?["changes"]?.text == #"[{"path":"/attributes/a","value":1}]"#)
                tail.change(2, "/attributes/a", "2")
                return try await socket.message("changes")["resume"]?.string
            }
            // While nobody listens, more happens; who comes back gets that and nothing twice.
            tail.change(3, "/attributes/a", "3")
            tail.change(4, "/attributes/a", "4")
            let resume = try #require(token)
            try await SocketClient.open(port: port) { socket in
                try await socket.send(#"{"type":"subscribe","id":"s","resume":"\#(resume)"}"#)
                var revisions: [JSONValue?] = []
                while revisions.count < 2 {
                    revisions +=
                        try await socket.message("changes")["items"]?.array?.map { $0["value"]?["revision"] } ?? []
                }
                #expect(revisions == [.int(3), .int(4)])
            }
        }
    }

    @Test func aTokenOfAnotherLogIsAnsweredWithResync() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            try await SocketClient.open(port: port) { socket in
                let token = LiveToken(log: "other", positions: [:]).text
                try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false,"resume":"\#(token)"}"#)
                #expect(try await socket.message("resync")["id"] == .string("s"))
                #expect(try await socket.message("live")["id"] == .string("s"))
            }
        }
    }

    /// On the same cluster, and with more records by now than the client had seen.
    @Test func aTokenOfATopicThatWasMadeAnewIsAnsweredWithResync() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(Self.subscribe)
                _ = try await socket.message("live")
                tail.change(1, "/attributes/a", "1")
                let resume = try #require(try await socket.message("changes")["resume"]?.string)
                tail.restart("log-1")
                #expect(try await socket.message("resync")["id"] == .string("s"))
                tail.write("alert", #"{"thingId":"t:a","key":"k","raisedAt":"x","revision":1}"#)
                for revision in 1...3 as ClosedRange<Int64> { tail.change(revision, "/attributes/b", "\(revision)") }
                while try await socket.message("changes")["items"]?.array?.last?["value"]?["revision"] != .int(3) {}
                try await socket.send(#"{"type":"subscribe","id":"t","snapshot":false,"resume":"\#(resume)"}"#)
                #expect(try await socket.message("resync")["id"] == .string("t"))
            }
        }
    }

    @Test func whenTheLogIsAnotherOneEverybodyBeginsAnew() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(Self.subscribe)
                _ = try await socket.message("live")
                tail.restart("log-2")
                #expect(try await socket.message("resync")["id"] == .string("s"))
                tail.change(1, "/attributes/a", "1")
                #expect(try await socket.message("changes")["items"]?.array?.count == 1)
            }
        }
    }

    @Test(
        arguments: [
            ("[", 1007), ("[]", 1007), ("7", 1007), (#"{"type":"subscribe"}"#, 0),
        ] as [(String, UInt16)])
    func whatIsNoMessageEndsTheConnection(text: String, code: UInt16) async throws {
        try await withServer { port in
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                try await socket.send(text)
                if code == 0 {
                    // A snapshot, but no database: the subscription fails, the connection stays.
                    #expect(try await socket.message("error")["code"] == .string("database"))
                    try await socket.send(#"{"type":"ping"}"#)
                    _ = try await socket.message("pong")
                } else {
                    let closed = try await socket.closeCode()
                    #expect(closed == code)
                }
            }
        }
    }

    @Test(arguments: [
        #"{"type":"order"}"#, #"{"type":"subscribe","thing":["t:a"]}"#, #"{"type":"subscribe","things":["nocolon"]}"#,
        #"{"type":"subscribe","kinds":["twins"]}"#, #"{"type":"subscribe","paths":["features"]}"#,
        #"{"type":"subscribe","projects":["x"]}"#, #"{"type":"subscribe","resume":"x"}"#, #"{"type":"authenticate"}"#,
        #"{"type":"subscribe","things":[]}"#,
    ])
    func whatCannotBeDoneSaysWhyAndTheConnectionStays(text: String) async throws {
        try await withServer { port in
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                try await socket.send(text)
                let error = try await socket.message("error")
                #expect(error["code"] == .string("invalid-body") && error["errors"]?.array?.isEmpty == false)
                try await socket.send(#"{"type":"ping"}"#)
                _ = try await socket.message("pong")
            }
        }
    }

    @Test func binariesLargeMessagesAndTooManyOfThemEndTheConnection() async throws {
        try await withServer(configure: { $0.live.mostMessages = 5 }) { port in
            try await SocketClient.open(port: port) { socket in
                try await socket.send("x", opcode: .binary)
                let code = try await socket.closeCode()
                #expect(code == 1003)
            }
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                try await socket.send(String(repeating: " ", count: 70_000))
                let code = try await socket.closeCode()
                #expect(code == 1009)
            }
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                for _ in 0..<6 { try await socket.send(#"{"type":"ping"}"#) }
                let code = try await socket.closeCode()
                #expect(code == 1008)
            }
        }
    }

    @Test func withoutCredentialsTheFirstMessageMustBringThemInTime() async throws {
        try await withServer(configure: {
            $0.accounts = AccountConfiguration(demand: .required)
            $0.live.signInDeadline = .milliseconds(100)
        }) { port in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(Self.subscribe)
                #expect(try await socket.message("error")["code"] == .string("unauthenticated"))
                let code = try await socket.closeCode()
                #expect(code == 4401)
            }
            for headers in [
                ["authorization": "Bearer nonsense"], ["sec-websocket-protocol": "egiz.v1, egiz.token.nonsense"],
            ] as [HTTPHeaders] {
                try await SocketClient.open(port: port, headers: headers) { socket in
                    let code = try await socket.closeCode()
                    #expect(code == 4401)
                }
            }
            try await SocketClient.open(port: port) { socket in
                try await socket.send(#"{"type":"authenticate","token":"nonsense"}"#)
                let code = try await socket.closeCode()
                #expect(code == 4401)
            }
        }
    }

    /// A page of another site must not listen through a browser on this machine.
    @Test(
        arguments: [
            ["origin": "http://evil.example"], ["origin": "null"],
            ["authorization": "Bearer a", "sec-websocket-protocol": "egiz.v1, egiz.token.b"],
        ] as [HTTPHeaders])
    func foreignPagesAndTwoTokensGetNoSocket(headers: HTTPHeaders) async throws {
        try await withServer { port in
            _ = await #expect(throws: (any Error).self) {
                try await SocketClient.open(port: port, headers: headers) { socket in
                    _ = try await socket.message("welcome")
                }
            }
        }
    }

    @Test func pagesOfTheListGetASocket() async throws {
        try await withServer(configure: { $0.cors = CORSPolicy(origins: ["https://app.example"]) }) { port in
            try await SocketClient.open(port: port, headers: ["origin": "https://app.example"]) { socket in
                _ = try await socket.message("welcome")
            }
        }
    }

    @Test func aClientThatIsSilentIsLetGo() async throws {
        try await withServer(configure: {
            $0.live.pingInterval = .milliseconds(20)
            $0.live.silence = .zero
        }) { port in
            try await SocketClient.open(port: port) { socket in
                let code = try await socket.closeCode()
                #expect(code == 4408)
            }
        }
    }

    @Test func beyondTheirNumberConnectionsAreRefused() async throws {
        try await withServer(configure: { $0.live.mostConnections = 1 }) { port in
            try await SocketClient.open(port: port) { first in
                _ = try await first.message("welcome")
                try await SocketClient.open(port: port) { second in
                    let code = try await second.closeCode()
                    #expect(code == 1013)
                }
            }
        }
    }

    @Test func serverSentEventsTellTheSame() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            let text = try await EventStreamClient.read(
                port: port, "GET /api/v1/live?snapshot=false&kind=twin HTTP/1.1\r\nHost: localhost\r\n\r\n"
            ) { text in
                if text.contains("event: live"), !text.contains("event: changes") {
                    tail.change(1, "/attributes/a", "1")
                }
                return text.contains("event: changes")
            }
            #expect(text.lowercased().contains("content-type: text/event-stream"))
            #expect(text.contains("event: welcome\ndata: {"))
            #expect(text.contains(#""changes":[{"path":"/attributes/a","value":1}]"#))
            // The id of the last event is the token that a browser sends back.
            let id = try #require(text.split(separator: "\n").last { $0.hasPrefix("id: ") }).dropFirst(4)
            #expect(LiveToken(parsing: String(id.trimmingPrefix(" ").filter { $0 != "\r" })) != nil)
        }
    }

    @Test func aStreamOutlivesTheDeadlineOfRequests() async throws {
        let tail = MemoryTail()
        try await withServer(tail, configure: { $0.requestDeadline = .milliseconds(50) }) { port in
            let start = ContinuousClock.now
            _ = try await EventStreamClient.read(
                port: port, "GET /api/v1/live?snapshot=false HTTP/1.1\r\nHost: localhost\r\n\r\n"
            ) { text in
                if ContinuousClock.now - start > .milliseconds(200) { return true }
                if text.contains("event: live") { tail.change(1, "/attributes/a", "1") }
                return false
            }
            #expect(.now - start > .milliseconds(200))
        }
    }

    @Test func atShutdownClientsAreToldThatTheServerGoesAway() async throws {
        let tail = MemoryTail()
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration()
        let server = APIServer(
            configuration: configuration, pool: pool, owners: MemoryOwners(), lag: nil, tail: tail,
            logger: TestAPI.quiet)
        let hub = try #require(server.live).hub
        let running = Task { await hub.run() }
        try await server.application().test(.live) { client in
            try await SocketClient.open(port: try #require(client.port)) { socket in
                _ = try await socket.message("welcome")
                running.cancel()
                let code = try await socket.closeCode()
                #expect(code == 1001)
            }
        }
    }
}
