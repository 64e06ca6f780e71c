import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOHTTP1
import TestSupport
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Live push where what belongs to whom changes: whole namespaces, and while no server looked.
    @Suite(.timeLimit(.minutes(1))) struct LiveMoveTests {
        private let tail = MemoryTail()
        private let people: TestPeople

        init() throws {
            people = try TestPeople(
                tail: tail,
                configure: {
                    $0.live.tick = .milliseconds(1)
                    $0.live.rightsInterval = .milliseconds(30)
                })
        }

        private func withServer(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
            let hub = try #require(people.server.live).hub
            let running = Task { await hub.run() }
            defer { running.cancel() }
            try await people.server.application().test(.live) {
                try await body(try #require($0.port))
                // As in the server: at its end the clients are told first.
                running.cancel()
            }
        }

        private static func headers(_ token: String) -> HTTPHeaders {
            ["sec-websocket-protocol": "egiz.v1, egiz.token.\(token)"]
        }

        private static func things(_ message: JSONValue) -> [String] {
            (message["items"]?.array ?? []).compactMap { $0["thingId"]?.string }
        }

        @Test func theThingsOfANamespaceThatChangesItsProjectComeAndGo() async throws {
            let viewer = try await people.person("viewer@example.com")
            let project = try await people.project(viewer.access, namespace: "one")
            try people.api.commit(twins: [
                try TestAPI.twin("two:b", revision: 9, document: #"{"thingId":"two:b","_revision":9}"#)
            ])
            let tail = tail
            // The test asks it from one task after the other.
            nonisolated(unsafe) let api = people.api
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s","kinds":["twin"]}"#)
                    _ = try await socket.message("live")
                    tail.change(10, "/attributes/a", "10", thing: "two:b")
                    tail.change(10, "/attributes/a", "10", thing: "one:a")
                    #expect(Self.things(try await socket.message("changes")) == ["one:a"])
                    try api.connection.execute(
                        "insert into egiz.project_namespace (namespace, project_id) values ('two', '\(project)')")
                    _ = try await socket.message("resync")
                    #expect(Self.things(try await socket.message("snapshot")) == ["two:b"])
                    _ = try await socket.message("live")
                    tail.change(11, "/attributes/a", "11", thing: "two:b")
                    tail.change(11, "/attributes/a", "11", thing: "one:a")
                    var told: [String] = []
                    while told.last != "one:a" { told += Self.things(try await socket.message("changes")) }
                    #expect(told == ["two:b", "one:a"])
                    try api.connection.execute("delete from egiz.project_namespace where namespace = 'two'")
                    _ = try await socket.message("resync")
                    _ = try await socket.message("live")
                    tail.change(12, "/attributes/a", "12", thing: "two:b")
                    tail.change(12, "/attributes/a", "12", thing: "one:a")
                    #expect(Self.things(try await socket.message("changes")) == ["one:a"])
                }
            }
        }

        /// What went from one project to another before the server began to look is not known to it.
        @Test func aTokenFromBeforeMovesThatNobodyLookedAtIsAnsweredWithResync() async throws {
            let viewer = try await people.person("viewer@example.com")
            _ = try await people.project(viewer.access, namespace: "one")
            let tail = tail
            try await withServer { port in
                let text = try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false}"#)
                    _ = try await socket.message("live")
                    tail.change(1, "/attributes/a", "1", thing: "one:a")
                    return try await socket.message("changes")["resume"]?.string
                }
                let token = try #require(text.flatMap { LiveToken(parsing: $0) })
                var older = token
                older.moves -= 1
                #expect(older.moves >= 0, "the namespace was a move")
                for (resume, answer) in [(token, "live"), (older, "resync")] {
                    try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                        try await socket.send(
                            #"{"type":"subscribe","id":"s","snapshot":false,"resume":"\#(resume.text)"}"#)
                        _ = try await socket.message("welcome")
                        guard case .text(let text) = try await socket.next() else { return }
                        #expect(try JSONParser().parse(Array(text.utf8))["type"] == .string(answer))
                    }
                }
            }
        }
    }
}
