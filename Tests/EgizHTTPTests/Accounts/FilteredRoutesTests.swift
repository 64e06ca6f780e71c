import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Routes whose project is not in their path: the handler finds it, so the handlers themselves are asked, about things of one project.
    @Suite struct FilteredRoutesTests {
        private static let model =
            #"{"asset":{"version":"2.0"},"nodes":[{"name":"Tank"}],"scenes":[{"nodes":[0]}],"scene":0}"#

        private struct Fixture {
            var people: TestPeople
            var modelID: String
            var project: String
            /// A viewer of the project who owns another one, so that the gate lets every request pass.
            var guest: String
            /// An owner of that other project only.
            var other: String

            func path(_ template: String) -> String {
                template.replacing("{modelId}", with: modelID).replacing("{type}", with: "org.walk:filler:1.0")
                    .replacing("{alertId}", with: "1").replacing("{version}", with: "1")
            }
        }

        private func fixture() async throws -> Fixture {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.walk")
            let guest = try await people.person("guest@example.com")
            try await people.join(project, guest.id, "viewer", by: owner)
            _ = try await people.project(guest.access, namespace: "org.guest")
            let other = try await people.person("other@example.com").access
            _ = try await people.project(other, namespace: "org.other")
            try people.api.commit(
                twins: [try TestAPI.twin("org.walk:a", document: #"{"thingId":"org.walk:a","attributes":{"a":1}}"#)])
            try people.api.connection.execute(
                """
                insert into egiz.alert (stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at,
                    updated_at, revision)
                values ('line.events', 0, 'alerts', 'org.walk:a', 'heat', 'hot', 'critical', 'raised', 'hot', '2026-01-01Z',
                    '2026-01-02Z', 4);
                insert into egiz.ml_prediction (stage, partition, thing_id, task, model, shadow, score, revision, event_time,
                    output_topic, output_partition, output_offset, latency_ms)
                values ('line.events', 0, 'org.walk:a', 'wear', 'm', false, 0.5, 1, '2026-01-01Z', 'o', 0, 1, 2.5);
                """)
            _ = try await people.json(
                .put, "/api/v1/twin-types/org.walk:filler:1.0", owner, #"{"description":"d"}"#, status: .created)
            let server = people.server
            let made = try await server.application().test(.router) {
                try await $0.execute(
                    uri: "/api/v1/models?name=m&project=\(project)", method: .post,
                    headers: [.authorization: "Bearer \(owner)", .contentType: "model/gltf+json"],
                    body: ByteBuffer(string: Self.model))
            }
            let id = try JSONParser().parse(Array(buffer: made.body))["modelId"]?.string
            return Fixture(
                people: people, modelID: try #require(id, "\(made.text)"), project: project, guest: guest.access,
                other: other)
        }

        private func body(_ route: APIRoute) -> String {
            if route.path.hasSuffix("/content") { return Self.model }
            if route.path.hasSuffix("/assign") { return #"{"assignee":"x"}"# }
            if route.path == "/api/v1/twins" { return #"{"thingId":"org.walk:b"}"# }
            return "{}"
        }

        private func ask(_ fixture: Fixture, _ route: APIRoute, _ token: String) async throws -> TestResponse {
            var headers: HTTPFields = [.authorization: "Bearer \(token)", .ifMatch: "*"]
            if let type = route.writing?.accepts.last { headers[.contentType] = type }
            var uri = fixture.path(route.path)
            if route.path == "/api/v1/models", route.writing != nil { uri += "?name=x&project=\(fixture.project)" }
            if route.path == "/api/v1/aggregates" {
                uri += "?path=/attributes/a&interval=1h&namespace=org.walk&aggregate=count"
            }
            let text = route.writing?.accepts.isEmpty == false ? body(route) : ""
            return try await fixture.people.server.application().test(.router) { [headers, uri] in
                try await $0.execute(
                    uri: uri, method: route.writing?.method ?? .get, headers: headers, body: ByteBuffer(string: text))
            }
        }

        @Test func whatOneMayNotSeeIsNotThereAndWhatOneMayOnlySeeIsNotChanged() async throws {
            let fixture = try await fixture()
            var asked = 0
            for route in fixture.people.server.routes.routes {
                guard case .filtered = route.access, !route.path.hasSuffix("/live") else { continue }
                let what = "\(route.writing?.method ?? .get) \(route.path)"
                let (guest, other) = (
                    try await ask(fixture, route, fixture.guest), try await ask(fixture, route, fixture.other)
                )
                asked += 1
                if route.writing == nil {
                    #expect(guest.status == .ok, "\(what) as a viewer: \(guest.status.code) \(guest.text)")
                    if route.path.contains("{") {
                        #expect(other.status == .notFound, "\(what) as somebody else: \(other.status.code)")
                    } else {
                        #expect(other.status == .ok, "\(what) as somebody else: \(other.status.code) \(other.text)")
                        for secret in ["org.walk", fixture.modelID, fixture.project] {
                            #expect(!other.text.contains(secret), "\(what) shows \(secret) to somebody else")
                        }
                    }
                } else if route.path != "/api/v1/projects" {
                    #expect(guest.status == .forbidden, "\(what) as a viewer: \(guest.status.code) \(guest.text)")
                    // Whether a namespace is somebody's or nobody's is not told either.
                    let expected: HTTPResponse.Status = route.path == "/api/v1/twins" ? .forbidden : .notFound
                    #expect(other.status == expected, "\(what) as somebody else: \(other.status.code) \(other.text)")
                }
            }
            #expect(asked > 20)
            // And nothing of it has happened.
            let rows = try fixture.people.api.connection.query(
                """
                select (select count(*) from egiz.twin_registration), (select count(*) from egiz.twin_type where version > 1),
                    (select count(*) from egiz.inbox), (select count(*) from egiz.model_3d where version = 1)
                """)
            #expect((0..<4).map { rows.first?.int64($0) } == [0, 0, 0, 1])
        }

        @Test func whoHasNoRoleAnywhereIsToldSoBeforeTheBodyIsRead() async throws {
            let fixture = try await fixture()
            let nobody = try await fixture.people.person("nobody@example.com").access
            for route in fixture.people.server.routes.routes {
                guard case .filtered = route.access, route.writing != nil else { continue }
                #expect(try await ask(fixture, route, nobody).status == .forbidden, "\(route.path)")
            }
        }

        @Test func whoMayNotReplaceAModelIsToldSoBeforeTheFileIsLookedAt() async throws {
            let fixture = try await fixture()
            let (garbage, uri) = ("this is no model", "/api/v1/models/\(fixture.modelID)/content")
            for (token, status) in [(fixture.guest, HTTPResponse.Status.forbidden), (fixture.other, .notFound)] {
                let answer = try await fixture.people.server.application().test(.router) {
                    try await $0.execute(
                        uri: uri, method: .put,
                        headers: [.authorization: "Bearer \(token)", .contentType: "model/gltf+json", .ifMatch: "*"],
                        body: ByteBuffer(string: garbage))
                }
                #expect(answer.status == status, "\(answer.text)")
            }
        }

        private final class Ended: Sendable {
            let answer = Mutex<(status: Int, text: String)?>(nil)
        }

        /// Changes of the registry wait for each other until a commit: not for the megabytes of an upload.
        @Test(.timeLimit(.minutes(1)), arguments: [false, true])
        func anUploadHasWrittenItsFileBeforeItHoldsUpTheRegistry(replaces: Bool) async throws {
            let fixture = try await fixture()
            let owner = try await fixture.people.login("owner@example.com").access
            let (connection, server) = (fixture.people.api.connection, fixture.people.server)
            let uri =
                replaces
                ? "/api/v1/models/\(fixture.modelID)/content" : "/api/v1/models?name=n&project=\(fixture.project)"
            // Another file: one that is the same changes nothing.
            let file = replaces ? Self.model.replacing("Tank", with: "Bulb") : Self.model
            try connection.execute("begin; select pg_advisory_xact_lock(6567697)")
            let ended = Ended()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let answer = try await server.application().test(.router) {
                        try await $0.execute(
                            uri: uri, method: replaces ? .put : .post,
                            headers: [
                                .authorization: "Bearer \(owner)", .contentType: "model/gltf+json", .ifMatch: "*",
                            ], body: ByteBuffer(string: file))
                    }
                    let told = (status: Int(answer.status.code), text: answer.text)
                    ended.answer.withLock { $0 = told }
                }
                let watcher = try PostgresConnection(url: fixture.people.api.url, applicationName: "egiz-test")
                defer { watcher.close() }
                let here = "database = (select oid from pg_database where datname = current_database())"
                while ended.answer.withLock({ $0 == nil }),
                    try watcher.query("select from pg_locks where locktype = 'advisory' and not granted and \(here)")
                        .isEmpty
                {
                    try Task.checkCancellation()
                    await Task.yield()
                }
                #expect(ended.answer.withLock { $0?.text } == nil, "it waits for the others")
                let written = try watcher.query(
                    """
                    select from pg_locks where relation = 'egiz.model_3d_chunk'::regclass and mode = 'RowExclusiveLock'
                        and granted and \(here)
                    """)
                #expect(!written.isEmpty)
                try connection.execute("commit")
                try await group.waitForAll()
            }
            #expect(ended.answer.withLock { $0?.status } == (replaces ? 200 : 201))
            let pieces = try connection.query("select number, data from egiz.model_3d_chunk")
            #expect(pieces.count == (replaces ? 1 : 2))
            #expect(pieces.allSatisfy { $0.int64(0) == 0 && $0.bytes(1) == Array(file.utf8) })
        }

        // MARK: Claiming

        /// Whatever a namespace decides about keeps it from being claimed: types, registrations, what deleted twins have left.
        @Test(arguments: [
            "insert into egiz.twin_type (twin_type) values ('org.std:pump:1.0')",
            "insert into egiz.twin_registration (thing_id) values ('org.std:a')",
            "insert into egiz.series (thing_id, path) values ('org.std:a', '/attributes/a')",
            "insert into egiz.twin_relation (thing_id, kind, other_id) values ('org.std:a', 'parent', 'org.std:b')",
        ])
        func aNamespaceInUseIsNotClaimed(sql: String) async throws {
            let people = try TestPeople()
            try people.api.connection.execute(sql)
            let mallory = try await people.person("mallory@example.com").access
            let project = try await people.project(mallory)
            let claimed = try await people.send(
                .post, "/api/v1/projects/\(project)/namespaces", mallory, #"{"namespace":"org.std"}"#)
            #expect(claimed.status == .forbidden && people.code(claimed) == "things-exist", "\(claimed.text)")
            _ = try await people.json(
                .post, "/api/v1/projects/\(project)/namespaces", mallory, #"{"namespace":"org.st"}"#, status: .created)
            let admin = try await people.admin().access
            _ = try await people.json(
                .post, "/api/v1/projects/\(project)/namespaces", admin, #"{"namespace":"org.std"}"#, status: .created)
        }

        @Test func theTracesOfADeletedTwinKeepItsNameFromBeingClaimed() async throws {
            let people = try TestPeople()
            try people.api.commit(
                columns: [TestAPI.numbers(try TestAPI.key("org.std:old", "/attributes/a"), [(TestAPI.start, 1)])],
                twins: [try TestAPI.twin("org.std:old", document: nil)])
            let mallory = try await people.person("mallory@example.com").access
            let project = try await people.project(mallory)
            for (what, body) in [
                ("namespaces", #"{"namespace":"org.std"}"#), ("things", #"{"thingId":"org.std:old"}"#),
            ] {
                let claimed = try await people.send(.post, "/api/v1/projects/\(project)/\(what)", mallory, body)
                #expect(claimed.status == .forbidden, "\(what): \(claimed.text)")
            }
        }

        @Test func aThingWithTheNameOfATypeGivesNoRightToTheType() async throws {
            let people = try TestPeople()
            let admin = try await people.admin().access
            let type = "/api/v1/twin-types/org.std:pump:1.0"
            _ = try await people.json(.put, type, admin, "{}", status: .created)
            let mallory = try await people.person("mallory@example.com").access
            let project = try await people.project(mallory)
            _ = try await people.json(
                .post, "/api/v1/projects/\(project)/things", mallory, #"{"thingId":"org.std:pump:1.0"}"#,
                status: .created)
            let changed = try await people.send(.put, type, mallory, #"{"policy":"reject"}"#, headers: [.ifMatch: "*"])
            #expect(changed.status == .forbidden, "\(changed.text)")
            let bystander = try await people.person("else@example.com").access
            #expect(try await people.send(.get, type, bystander).status == .ok, "it is still for everybody to read")
        }

        @Test func aProjectDoesNotLeaveItsTypesToEverybody() async throws {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.a")
            let (one, type) = ("/api/v1/projects/\(project)", "/api/v1/twin-types/org.a:pump:1.0")
            _ = try await people.json(.put, type, owner, "{}", status: .created)
            for path in ["\(one)/namespaces/org.a", one] {
                let kept = try await people.send(.delete, path, owner, headers: [.ifMatch: "*"])
                #expect(kept.status == .conflict && people.code(kept) == "in-use", "\(kept.text)")
            }
            #expect(try await people.send(.delete, type, owner, headers: [.ifMatch: "*"]).status == .noContent)
            for path in ["\(one)/namespaces/org.a", one] {
                #expect(try await people.send(.delete, path, owner, headers: [.ifMatch: "*"]).status == .noContent)
            }
        }
    }
}
