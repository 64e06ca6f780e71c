import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import NIOCore
import NIOPosix
import NIOWebSocket
import TestSupport
import Testing

@testable import EgizHTTP

/// What comes before, after and across each other on the sockets of live push.
@Suite(.timeLimit(.minutes(1))) struct LiveFlowTests {
    private func withServer<T: Sendable>(
        _ tail: MemoryTail = MemoryTail(), configure: (inout APIConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int) async throws -> T
    ) async throws -> T {
        try await LiveTestServer.withPort(tail, configure: configure) { port, begin in
            begin()
            return try await body(port)
        }
    }

    /// What lies between its snapshot and the end of the log as it was when the log was reached is not told; and the past is no news.
    @Test func whoCameBeforeTheLogWasReachedBeginsAnewAndIsNotToldThePast() async throws {
        let tail = MemoryTail()
        tail.change(1, "/attributes/a", "1")
        tail.change(2, "/attributes/a", "2")
        tail.endPast()
        try await LiveTestServer.withPort(tail) { port, begin in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false}"#)
                _ = try await socket.message("live")
                begin()
                #expect(try await socket.message("resync")["id"] == .string("s"))
                tail.change(3, "/attributes/a", "3")
                let items = try await socket.message("changes")["items"]?.array
                #expect(items?.map { $0["value"]?["revision"] } == [.int(3)])
            }
        }
    }

    /// All of a server's clients come back at once when it was restarted, before it has read what they ask for.
    @Test func whoComesBackWaitsUntilTheServerHasReachedTheLog() async throws {
        let tail = MemoryTail()
        for revision in 1...3 as ClosedRange<Int64> { tail.change(revision, "/attributes/a", "\(revision)") }
        tail.endPast()
        try await LiveTestServer.withPort(tail) { port, begin in
            try await SocketClient.open(port: port) { socket in
                let token = LiveToken(
                    log: "log-1", positions: [.init(LiveFixture.prefix + "twin", 0): 1], sight: LiveFixture.admin.sight)
                try await socket.send(#"{"type":"subscribe","id":"s","resume":"\#(token.text)"}"#)
                _ = try await socket.message("welcome")
                begin()
                // Not `resync`.
                guard case .text(let text) = try await socket.next() else { return }
                #expect(try JSONParser().parse(Array(text.utf8))["type"] == .string("live"))
                let items = try await socket.message("changes")["items"]?.array
                #expect(items?.map { $0["value"]?["revision"] } == [.int(2), .int(3)])
            }
        }
    }

    @Test func aSubscriptionThatWasEndedAtOnceDoesNotBegin() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                try await socket.send(#"{"type":"subscribe","id":"a","things":["t:a"],"snapshot":false}"#)
                try await socket.send(#"{"type":"unsubscribe","id":"a"}"#)
                try await socket.send(#"{"type":"subscribe","id":"b","things":["t:b"],"snapshot":false}"#)
                while try await socket.message("live")["id"] != .string("b") {}
                tail.change(1, "/attributes/a", "1", thing: "t:a")
                tail.change(2, "/attributes/a", "2", thing: "t:b")
                let items = try await socket.message("changes")["items"]?.array
                #expect(items?.map { $0["thingId"] } == [.string("t:b")])
            }
        }
    }

    /// A browser comes back by itself when the stream ends, and never when it is silent.
    @Test func aStreamWhoseSubscriptionFailsSaysSoAndEnds() async throws {
        try await withServer { port in
            // A snapshot, but no database.
            let text = try await EventStreamClient.read(
                port: port, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ) { $0.contains("ask again") }
            #expect(text.contains("event: problem\ndata: {\"type\":\"error\""))
            #expect(text.contains("event: end\ndata: {\"type\":\"end\",\"code\":1011"))
        }
    }

    /// Their answers would pile up for a client that does not read.
    @Test func pingsCountAsMessages() async throws {
        try await withServer(configure: { $0.live.mostMessages = 5 }) { port in
            try await SocketClient.open(port: port) { socket in
                _ = try await socket.message("welcome")
                for _ in 0..<6 { try await socket.send("x", opcode: .ping) }
                let code = try await socket.closeCode()
                #expect(code == 1008)
            }
        }
    }

    @Test func filtersThatNobodyHasAreNotKept() {
        let shard = LiveShard(loop: MultiThreadedEventLoopGroup.singleton.next())
        let kept = shard.filter(of: LiveFixture.subscription(paths: ["/kept"]))
        for number in 0..<1000 { _ = shard.filter(of: LiveFixture.subscription(paths: ["/\(number)"])) }
        #expect(shard.filterCount <= 64)
        #expect(shard.filter(of: LiveFixture.subscription(paths: ["/kept"])) === kept)
    }

    @Test func aRecordThatSpeaksOfAnotherThingThanItsKeyIsForAdmins() throws {
        func item(_ value: String, key: String) -> LiveItem? {
            LiveItem(
                LiveFixture.record("weather", 1, value, key: key), project: LiveFixture.projectA, parser: JSONParser())
        }
        #expect(try #require(item(#"{"thingId":"t:a"}"#, key: "t:a")).project == LiveFixture.projectA)
        #expect(try #require(item(#"{"thingId":"t:b"}"#, key: "t:a")).project == nil)
        let nameless = LiveItem(LiveFixture.record("twin", 1, #"{"revision":1}"#), project: nil, parser: JSONParser())
        #expect(nameless == nil, "a twin's record that names no thing")
    }
}
