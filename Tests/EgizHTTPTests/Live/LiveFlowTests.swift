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
                let token = try tail.token(at: 1)
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

    /// The server waited as long as it does for the past of the log, and gave up: who came back then has not been told what is still to come.
    @Test func whatComesOfThePastAfterSomebodyCameBackIsToldToThem() async throws {
        let tail = MemoryTail()
        for revision in 1...2 as ClosedRange<Int64> { tail.change(revision, "/attributes/a", "\(revision)") }
        tail.endPast(missing: 1)
        try await LiveTestServer.withPort(tail, configure: { $0.live.readyDeadline = .zero }) { port, begin in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(#"{"type":"subscribe","id":"first","snapshot":false,"kinds":["alert"]}"#)
                _ = try await socket.message("live")
                begin()
                // The log is reached, and its deadline is over.
                _ = try await socket.message("resync")
                _ = try await socket.message("live")
                let token = try tail.token(at: 1)
                try await socket.send(#"{"type":"subscribe","id":"s","resume":"\#(token.text)"}"#)
                while try await socket.message("live")["id"] != .string("s") {}
                tail.change(3, "/attributes/a", "3")
                tail.change(4, "/attributes/a", "4")
                var told: [JSONValue?] = []
                while told.last != .int(4) {
                    let items = try await socket.message("changes")["items"]?.array ?? []
                    told += items.map { $0["value"]?["revision"] }
                }
                #expect(told == [.int(2), .int(3), .int(4)])
            }
        }
    }

    /// As `ml_prediction`, which `GET …/predictions` reads: a question that was a dead letter is asked again much later.
    @Test func anAnswerAboutAnEarlierStateIsNotToldAfterOneAboutALater() async throws {
        let tail = MemoryTail()
        try await withServer(tail) { port in
            try await SocketClient.open(port: port) { socket in
                try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false,"kinds":["prediction"]}"#)
                _ = try await socket.message("live")
                // Both marks are lower; one of them alone says nothing; and other models are others.
                for (revision, second, model) in [(5, 5, "m"), (4, 4, "m"), (3, 6, "m"), (2, 7, "m"), (1, 1, "n")] {
                    tail.write(
                        "k",
                        #"{"thingId":"t:a","task":"k","model":"\#(model)","shadow":false,"metadata":{"revision":\#(revision),"time":"1970-01-01T00:00:0\#(second)Z"}}"#,
                        prefix: "ml.output.v1.")
                }
                var told: [JSONValue?] = []
                while told.last != .int(1) {
                    let items = try await socket.message("changes")["items"]?.array ?? []
                    told += items.map { $0["value"]?["metadata"]?["revision"] }
                }
                #expect(told == [.int(5), .int(3), .int(2), .int(1)])
            }
        }
    }

    @Test func answersOfModelsAreRememberedUpToABound() {
        func item(_ thing: String, _ second: Int) -> LiveItem {
            var record = LiveFixture.record(
                "k", Int64(second),
                #"{"thingId":"\#(thing)","task":"k","model":"m","shadow":false,"metadata":{"revision":\#(second),"time":"1970-01-01T00:00:0\#(second)Z"}}"#,
                key: thing)
            record.partition = TopicPartition("ml.output.v1.k", 0)
            return LiveFixture.item(record)
        }
        var answers = LiveAnswers(most: 2)
        // For the third thing there is no room: it begins anew.
        let items = [("t:a", 5), ("t:b", 5), ("t:a", 6), ("t:a", 5), ("t:b", 4), ("t:c", 1), ("t:a", 5)]
            .map { item($0.0, $0.1) }
        let taken = items.map { answers.takes($0) }
        #expect(taken == [true, true, true, false, false, true, true])
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
