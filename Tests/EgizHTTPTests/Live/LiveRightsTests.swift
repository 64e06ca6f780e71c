import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOHTTP1
import TestSupport
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Live push with accounts and twins: what the database says decides who is told what, and when that ends.
    @Suite(.timeLimit(.minutes(1))) struct LiveRightsTests {
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

        private func withServer(
            _ people: TestPeople? = nil, _ body: @escaping @Sendable (Int) async throws -> Void
        ) async throws {
            let people = people ?? self.people
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

        /// A twin whose last input was the record 9 of `twins`.
        private func twin(_ thing: String, revision: Int64 = 9) throws {
            try people.api.commit(twins: [
                try TestAPI.twin(
                    thing, revision: revision,
                    document: #"{"thingId":"\#(thing)","attributes":{"a":\#(revision),"b":1},"_revision":\#(revision)}"#
                )
            ])
        }

        @Test func theSnapshotComesFirstAndOfTheChangesOnlyWhatLiesBeyondIt() async throws {
            let admin = try await people.admin()
            try twin("one:a")
            let tail = tail
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(admin.access)) { socket in
                    try await socket.send(
                        #"{"type":"subscribe","id":"s","things":["one:a"],"paths":["/attributes/a"]}"#)
                    let item = try #require(try await socket.message("snapshot")["items"]?.array?.first)
                    #expect(item["value"]?.text == #"{"thingId":"one:a","attributes":{"a":9},"_revision":9}"#)
                    #expect(item["cause"]?["offset"] == .int(9))
                    #expect(try await socket.message("live")["id"] == .string("s"))
                    // What the row has already comes late from the outbox.
                    tail.change(9, "/attributes/a", "9", thing: "one:a")
                    tail.change(10, "/attributes/b", "10", thing: "one:a")
                    tail.change(11, "/attributes/a", "11", thing: "one:a")
                    let items = try await socket.message("changes")["items"]?.array
                    #expect(items?.map { $0["value"]?["revision"] } == [.int(11)])
                }
            }
        }

        @Test func aMemberIsToldOfItsProjectsAlone() async throws {
            let owner = try await people.person("owner@example.com")
            let viewer = try await people.person("viewer@example.com")
            let project = try await people.project(owner.access, namespace: "one")
            try await people.join(project, viewer.id, "viewer", by: owner.access)
            try twin("one:a")
            try twin("two:b")
            let tail = tail
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    #expect(try await socket.message("welcome")["projects"]?.array == [.string(project)])
                    try await socket.send(#"{"type":"subscribe"}"#)
                    let items = try await socket.message("snapshot")["items"]?.array
                    #expect(items?.map { $0["thingId"] } == [.string("one:a")])
                    _ = try await socket.message("live")
                    tail.change(10, "/attributes/a", "10", thing: "two:b")
                    tail.change(10, "/attributes/a", "10", thing: "one:a")
                    #expect(
                        try await socket.message("changes")["items"]?.array?.map { $0["thingId"] } == [.string("one:a")]
                    )
                    for (what, code) in [
                        (#""things":["two:b"]"#, "twin-not-found"),
                        (#""things":["one:a","no:thing"]"#, "twin-not-found"),
                        (#""projects":["00000000-0000-0000-0000-000000000000"]"#, "project-not-found"),
                    ] {
                        try await socket.send(#"{"type":"subscribe","id":"x",\#(what)}"#)
                        #expect(try await socket.message("error")["code"] == .string(code))
                    }
                }
            }
        }

        @Test func whoLosesAProjectIsToldNothingMoreOfItAndWhoGetsOneBeginsAnew() async throws {
            let owner = try await people.person("owner@example.com")
            let viewer = try await people.person("viewer@example.com")
            let project = try await people.project(owner.access, namespace: "one")
            try twin("one:a")
            let (tail, server) = (tail, people.server)
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s"}"#)
                    _ = try await socket.message("live")
                    let member = "/api/v1/projects/\(project)/members/\(viewer.id)"
                    let joined = try await server.send(.put, member, owner.access, #"{"role":"viewer"}"#)
                    #expect(joined.status == .created, "\(joined.text)")
                    #expect(try await socket.message("access")["projects"]?.array == [.string(project)])
                    _ = try await socket.message("resync")
                    let items = try await socket.message("snapshot")["items"]?.array
                    #expect(items?.map { $0["thingId"] } == [.string("one:a")])
                    _ = try await socket.message("live")
                    let removed = try await server.send(.delete, member, owner.access, headers: [.ifMatch: "*"])
                    #expect(removed.status == .noContent, "\(removed.text)")
                    #expect(try await socket.message("access")["projects"]?.array == [])
                    tail.change(10, "/attributes/a", "10", thing: "one:a")
                    // Something that comes after it and is answered: nothing was told in between.
                    try await socket.send(#"{"type":"ping"}"#)
                    var types: [String?] = []
                    while types.last != "pong" {
                        guard case .text(let text) = try await socket.next() else { break }
                        types.append(try JSONParser().parse(Array(text.utf8))["type"]?.string)
                    }
                    #expect(!types.contains("changes"))
                }
            }
        }

        /// Nothing is told to the wrong people, or kept from the right ones, because the database does not answer for a moment.
        @Test func aChangeWaitsUntilItIsKnownWhoseItIs() async throws {
            let (tail, owners) = (MemoryTail(), MemoryOwners())
            let people = try TestPeople(tail: tail, owners: owners, configure: { $0.live.tick = .milliseconds(1) })
            let viewer = try await people.person("viewer@example.com")
            let project = try await people.project(viewer.access, namespace: "one")
            owners.own("one:a", ProjectID(project))
            try await withServer(people) { port in
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false}"#)
                    _ = try await socket.message("live")
                    owners.fail(2)
                    tail.change(1, "/attributes/a", "1", thing: "one:a")
                    tail.change(2, "/attributes/a", "2", thing: "two:b")
                    tail.change(3, "/attributes/a", "3", thing: "one:a")
                    var told: [JSONValue?] = []
                    while told.count < 2 {
                        let items = try await socket.message("changes")["items"]?.array ?? []
                        told += items.map { $0["value"]?["revision"] }
                    }
                    #expect(told == [.int(1), .int(3)])
                    #expect(owners.questions >= 3)
                }
            }
        }

        @Test func aThingThatChangesItsProjectComesAndGoes() async throws {
            let viewer = try await people.person("viewer@example.com")
            let project = try await people.project(viewer.access, namespace: "one")
            try twin("two:b")
            let tail = tail
            // The test asks it from one task after the other.
            nonisolated(unsafe) let api = people.api
            try await withServer { port in
                let token = try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s","kinds":["twin"]}"#)
                    _ = try await socket.message("live")
                    tail.change(10, "/attributes/a", "10", thing: "two:b")
                    tail.change(10, "/attributes/a", "10", thing: "one:a")
                    let items = try await socket.message("changes")
                    #expect(items["items"]?.array?.map { $0["thingId"] } == [.string("one:a")])
                    try api.connection.execute(
                        "insert into egiz.project_thing (thing_id, project_id) values ('two:b', '\(project)')")
                    #expect(try await socket.message("resync")["id"] == .string("s"))
                    let rows = try await socket.message("snapshot")["items"]?.array
                    #expect(rows?.map { $0["thingId"] } == [.string("two:b")])
                    _ = try await socket.message("live")
                    tail.change(11, "/attributes/a", "11", thing: "two:b")
                    _ = try await socket.message("changes")
                    try api.connection.execute("delete from egiz.project_thing")
                    _ = try await socket.message("resync")
                    _ = try await socket.message("live")
                    tail.change(12, "/attributes/a", "12", thing: "two:b")
                    tail.change(12, "/attributes/a", "12", thing: "one:a")
                    let last = try await socket.message("changes")
                    #expect(last["items"]?.array?.map { $0["thingId"] } == [.string("one:a")])
                    return items["resume"]?.string
                }
                let resume = try #require(token)
                // Who was away meanwhile does not go on from what is no longer so.
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(
                        #"{"type":"subscribe","id":"s","resume":"\#(resume)"}"#)
                    #expect(try await socket.message("resync")["id"] == .string("s"))
                }
            }
        }

        @Test func aTokenOfSomebodyWhoMaySeeOtherThingsIsAnsweredWithResync() async throws {
            let viewer = try await people.person("viewer@example.com")
            let admin = try await people.admin()
            _ = try await people.project(viewer.access, namespace: "one")
            let tail = tail
            try await withServer { port in
                let token = try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","id":"s","snapshot":false}"#)
                    _ = try await socket.message("live")
                    tail.change(1, "/attributes/a", "1", thing: "one:a")
                    return try await socket.message("changes")["resume"]?.string
                }
                let resume = try #require(token)
                for (access, answer) in [(viewer.access, "live"), (admin.access, "resync")] {
                    try await SocketClient.open(port: port, headers: Self.headers(access)) { socket in
                        try await socket.send(
                            #"{"type":"subscribe","id":"s","snapshot":false,"resume":"\#(resume)"}"#)
                        _ = try await socket.message("welcome")
                        guard case .text(let text) = try await socket.next() else { return }
                        #expect(try JSONParser().parse(Array(text.utf8))["type"] == .string(answer))
                    }
                }
            }
        }

        @Test func aSessionThatEndsTakesItsSocketsAlong() async throws {
            _ = try await people.register("viewer@example.com")
            let tokens = try await people.login("viewer@example.com")
            let server = people.server
            try await withServer { port in
                try await SocketClient.open(port: port, headers: ["authorization": "Bearer \(tokens.access)"]) {
                    socket in
                    _ = try await socket.message("welcome")
                    let left = try await server.send(.post, "/api/v1/auth/logout", tokens.access)
                    #expect(left.status == .noContent, "\(left.text)")
                    #expect(try await socket.closeCode() == 4401)
                }
            }
        }

        @Test func aNewTokenOfTheSamePersonTakesTheOldOnesPlaceAndOneOfAnotherIsRefused() async throws {
            let viewer = try await people.person("viewer@example.com")
            let again = try await people.login("viewer@example.com").access
            let other = try await people.person("other@example.com")
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(viewer.access)) { socket in
                    _ = try await socket.message("welcome")
                    try await socket.send(#"{"type":"authenticate","token":"\#(again)"}"#)
                    #expect(try await socket.message("welcome")["name"] != nil)
                    try await socket.send(#"{"type":"authenticate","token":"\#(other.access)"}"#)
                    #expect(try await socket.closeCode() == 4401)
                }
            }
        }

        @Test func alertsAndPropertiesAreInTheSnapshotToo() async throws {
            let admin = try await people.admin()
            try twin("one:a")
            try people.api.connection.execute(
                """
                insert into egiz.scene (stage, partition, thing_id, object_name, target, value, revision, event_time)
                values ('line.events', 0, 'one:a', 'Tank', 'color', '"#ff0000"', 9, '2026-01-01T00:00:00Z');
                insert into egiz.alert (stage, partition, processor, thing_id, alert_key, rule, severity, state, message,
                    raised_at, updated_at, revision)
                values ('line.events', 0, 'rules', 'one:a', 'heat', 'hot', 'error', 'raised', 'hot', '2026-01-01T00:00:00Z',
                    '2026-01-01T00:00:00Z', 9);
                """)
            try await withServer { port in
                try await SocketClient.open(port: port, headers: Self.headers(admin.access)) { socket in
                    try await socket.send(#"{"type":"subscribe","kinds":["binding","alert"]}"#)
                    let items = try #require(try await socket.message("snapshot")["items"]?.array)
                    #expect(items.map { $0["kind"] } == [.string("binding"), .string("alert")])
                    for item in items {
                        let schema = try JSONSchema("\(item["kind"]?.string ?? "").v1.schema.json")
                        #expect(schema.faults(try #require(item["value"])) == [])
                    }
                }
            }
        }
    }
}
