import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Alerts of all things: what is listed, what is asked for, and who may.
    @Suite struct AlertRoutesTests {
        private func team() async throws -> (people: TestPeople, owner: String, viewer: String, other: String) {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.line")
            let viewer = try await people.person("viewer@example.com")
            try await people.join(project, viewer.id, "viewer", by: owner)
            try people.api.commit()
            try people.api.connection.execute(
                """
                insert into egiz.alert (
                    stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at,
                    cleared_at, revision)
                values
                    ('line.events', 0, 'alerts', 'org.line:a', 'heat', 'hot', 'critical', 'raised', 'hot', '2026-01-01Z',
                     '2026-01-02Z', null, 4),
                    ('line.events', 0, 'alerts', 'org.line:b', 'level', 'low', 'info', 'cleared', 'low', '2026-01-01Z',
                     '2026-01-02Z', '2026-01-02Z', 4),
                    ('line.events', 0, 'alerts', 'org.other:a', 'heat', 'hot', 'error', 'raised', 'hot', '2026-01-01Z',
                     '2026-01-01Z', null, 1);
                """)
            return (people, owner, viewer.access, try await people.person("other@example.com").access)
        }

        private func ids(_ people: TestPeople, _ query: String, _ token: String) async throws -> [JSONValue?] {
            try await people.json(.get, "/api/v1/alerts?\(query)", token)["items"]?.array?.map { $0["id"] } ?? []
        }

        @Test func theListHasTheAlertsOfOnesOwnProjects() async throws {
            let (people, owner, viewer, other) = try await team()
            let admin = try await people.admin().access
            #expect(try await ids(people, "", viewer) == [.int(2), .int(1)])
            #expect(try await ids(people, "", other).isEmpty)
            #expect(try await ids(people, "", admin) == [.int(3), .int(2), .int(1)])
            #expect(try await ids(people, "namespace=org.other", owner).isEmpty)
            for (query, found) in [
                ("open=true", [1]), ("severity=error", [1]), ("thing=org.line:b", [2]), ("namespace=org.line", [2, 1]),
                ("assignee=maria", []),
            ] as [(String, [Int64])] {
                #expect(try await ids(people, query, owner) == found.map { .int($0) }, "\(query)")
            }
            let first = try await people.json(.get, "/api/v1/alerts?limit=1", owner)
            let next = try #require(first["next"]?.string)
            #expect(try await ids(people, "limit=1&cursor=\(next)", owner) == [.int(1)])
            #expect(try await people.send(.get, "/api/v1/alerts/3", owner).status == .notFound)
            #expect(try await people.send(.get, "/api/v1/alerts/9", owner).status == .notFound)
            #expect(try await people.send(.get, "/api/v1/alerts/1", viewer).status == .ok)
        }

        @Test func acknowledgingIsAMessageToTheOwnerOfTheTask() async throws {
            let (people, owner, viewer, other) = try await team()
            // Who owns something may ask, and is not told of what is others'.
            _ = try await people.project(other)
            #expect(try await people.send(.post, "/api/v1/alerts/1/acknowledge", viewer, "{}").status == .forbidden)
            #expect(try await people.send(.post, "/api/v1/alerts/1/acknowledge", other, "{}").status == .notFound)
            #expect(try await people.send(.post, "/api/v1/alerts/3/clear", owner, "{}").status == .notFound)
            #expect(try people.api.connection.query("select from egiz.inbox").isEmpty)
            let all: HTTPFields = [.ifMatch: "*"]
            let asked = try await people.send(
                .post, "/api/v1/alerts/1/acknowledge", owner, #"{"note":"I look"}"#, headers: all)
            #expect(asked.status == .accepted)
            _ = try await people.json(.post, "/api/v1/alerts/1/clear", owner, "{}", status: .accepted, headers: all)
            let inbox = try people.api.connection.query(
                "select action, subject, requested_by, raised_at from egiz.inbox order by message_id")
            #expect(inbox.map { $0.text(0) } == ["acknowledge", "clear"])
            #expect(
                inbox.allSatisfy { $0.text(1) == "heat" && $0.text(2) == "owner@example.com" && $0.timestamp(3) != nil }
            )
            let over = try await people.send(.post, "/api/v1/alerts/2/acknowledge", owner, "{}", headers: all)
            #expect(over.status == .conflict && people.code(over) == "alert-cleared")
            let audit = try people.api.connection.query(
                "select action, before ->> 'state' from egiz.audit where object = 'alert:1' order by audit_id")
            #expect(audit.map { $0.text(0) } == ["alert.acknowledge", "alert.clear"])
            #expect(audit.map { $0.text(1) } == ["raised", "raised"])
        }

        @Test func anAlertIsGivenAndTakenWithNotes() async throws {
            let (people, owner, viewer, _) = try await team()
            let uri = "/api/v1/alerts/1/assign"
            let all: HTTPFields = [.ifMatch: "*"]
            let given = try await people.json(
                .post, uri, owner, #"{"assignee":"maria","note":"valve"}"#, headers: all)
            #expect(given["assignee"] == .string("maria") && given["notes"]?.array?.first?["note"] == .string("valve"))
            #expect(try await ids(people, "assignee=maria", viewer) == [.int(1)])
            let noted = try await people.json(.post, uri, owner, #"{"note":"done"}"#, headers: all)
            #expect(noted["assignee"] == .string("maria") && noted["notes"]?.array?.count == 2)
            let taken = try await people.json(.post, uri, owner, #"{"assignee":null}"#, headers: all)
            #expect(taken["assignee"] == .null)
            #expect(try await people.send(.post, uri, owner, "{}").status == .badRequest)
            #expect(try await people.send(.post, uri, viewer, #"{"note":"x"}"#).status == .forbidden)
        }

        /// Whoever changes an alert has seen what its rule and other people made of it.
        @Test(arguments: ["acknowledge", "clear", "assign"])
        func whatIsChangedIsWhatWasSeen(word: String) async throws {
            let (people, owner, _, _) = try await team()
            let (one, uri) = ("/api/v1/alerts/1", "/api/v1/alerts/1/\(word)")
            func tag() async throws -> String { try await people.send(.get, one, owner).headers[.eTag] ?? "" }
            func change(_ tag: String?) async throws -> TestResponse {
                var headers: HTTPFields = [:]
                headers[.ifMatch] = tag
                return try await people.send(.post, uri, owner, #"{"note":"mine"}"#, headers: headers)
            }
            let seen = try await tag()
            #expect(try await people.send(.get, one, owner, headers: [.ifNoneMatch: seen]).status == .notModified)
            let unseen = try await change(nil)
            #expect(unseen.status.code == 428 && unseen.headers[.eTag] == seen)
            // The rule speaks, then somebody writes: each is another version.
            try people.api.connection.execute(
                "update egiz.alert set message = 'hotter', revision = 5 where alert_id = 1")
            #expect(try await change(seen).status.code == 412)
            let hotter = try await tag()
            #expect(hotter != seen)
            let noted = try await people.send(
                .post, "\(one)/assign", owner, #"{"note":"theirs"}"#, headers: [.ifMatch: hotter])
            let present = try await tag()
            #expect(noted.headers[.eTag] == present && present != hotter)
            let stale = try await change(hotter)
            #expect(stale.status.code == 412 && stale.headers[.eTag] == present)
            #expect(try people.api.connection.query("select from egiz.inbox").isEmpty)
            #expect(try people.api.connection.query("select from egiz.alert_note").count == 1)
            #expect(try await change(present).status == (word == "assign" ? .ok : .accepted))
            #expect(try people.api.connection.query("select from egiz.alert_note").count == 2)
        }
    }
}
