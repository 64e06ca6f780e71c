import EgizCore
import EgizPostgres
import EgizProcessors
import EgizTopologyFile
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct TopologyRoutesTests {
        private static func text(_ extra: String = "") -> String {
            """
            apiVersion: egiz/v1
            kind: Topology
            metadata: { name: line }
            spec:
              sources:
                events: { topics: [{ name: telemetry.v1, partitions: 2 }], format: telemetry }
              processors:
                twins: { kind: twin-projector, from: events }
            \(extra)
            """
        }

        private static let history = "    history: { kind: history-writer, from: twins }"

        private func server(_ api: TestAPI) -> APIServer {
            let load: @Sendable (String) -> LoadedTopology = { text in
                TopologyLoader(registry: .builtin, environment: [:]).load(text: text, file: "body")
            }
            return APIServer(
                configuration: APIConfiguration(port: 0), pool: api.pool, lag: nil,
                rehearsal: RehearsalSetup(
                    registry: .builtin, url: api.url, read: { load($1).topology },
                    load: { text in
                        let loaded = load(text)
                        return .init(topology: loaded.topology, faults: loaded.faults, unset: [])
                    }), logger: TestAPI.quiet)
        }

        private func post(
            _ server: APIServer, _ uri: String, _ body: String, type: String = "application/yaml", match: String = "*"
        ) async throws -> (status: Int, json: JSONValue) {
            var headers: HTTPFields = [.contentType: type]
            if !match.isEmpty { headers[.ifMatch] = match }
            let answer = try await server.application().test(.router) { [headers] in
                try await $0.execute(uri: uri, method: .post, headers: headers, body: ByteBuffer(string: body))
            }
            return (answer.status.code, try JSONParser().parse(Array(buffer: answer.body)))
        }

        private func get(_ server: APIServer, _ uri: String) async throws -> JSONValue {
            try JSONParser().parse(Array(buffer: try await server.send(.get, uri).body))
        }

        @Test func aTextIsCheckedWithTheLinesOfItsFaults() async throws {
            let server = server(try TestAPI())
            let good = try await post(server, "/api/v1/topologies/validate", Self.text())
            #expect(good.status == 200 && good.json["valid"] == .bool(true) && good.json["topology"] == .string("line"))
            let bad = try await post(
                server, "/api/v1/topologies/validate", Self.text("    x: { kind: history-writr, from: twins }"))
            #expect(bad.status == 200 && bad.json["valid"] == .bool(false))
            let fault = try #require(bad.json["faults"]?.array?.first)
            #expect(fault["line"] == .int(9) && fault["message"]?.string?.contains("history-writer") == true)
            let refused = try await post(server, "/api/v1/topologies", "x: [")
            #expect(refused.status == 422 && refused.json["code"] == .string("invalid-topology"))
        }

        @Test func versionsAreAppliedComparedAndRolledBack() async throws {
            let api = try TestAPI()
            let server = server(api)
            let dry = try await post(server, "/api/v1/topologies?dryRun=true", Self.text())
            #expect(dry.json["outcome"] == .string("planned"))
            #expect(try await server.send(.get, "/api/v1/topologies/line").status == .notFound)
            let other = try await post(server, "/api/v1/topologies", Self.text(), match: EntityTag(revision: 1).text)
            #expect(other.status == 412, "nothing is there")
            let first = try await post(server, "/api/v1/topologies", Self.text())
            #expect(first.json["outcome"] == .string("applied") && first.json["version"] == .int(1))
            #expect(try await post(server, "/api/v1/topologies", Self.text()).json["outcome"] == .string("unchanged"))

            let diff = try await post(server, "/api/v1/topologies/diff", Self.text(Self.history))
            #expect(
                diff.json["differs"] == .bool(true)
                    && diff.json["lines"]?.array?.contains(.string("+" + Self.history)) == true)
            #expect(diff.json["plan"]?["outcome"] == .string("planned"))
            // Another text for what is there says which text it replaces.
            let apply = "/api/v1/topologies"
            #expect(try await post(server, apply, Self.text(), match: "").json["outcome"] == .string("unchanged"))
            let unseen = try await post(server, apply, Self.text(Self.history), match: "")
            #expect(unseen.status == 428 && unseen.json["code"] == .string("precondition-required"))
            let stale = EntityTag(revision: 7).text
            #expect(try await post(server, apply, Self.text(Self.history), match: stale).status == 412)
            #expect(try await get(server, "/api/v1/topologies/line")["version"] == .int(1))
            let second = try await post(server, apply, Self.text(Self.history), match: EntityTag(revision: 1).text)
            #expect(second.json["version"] == .int(2))
            let between = try await get(server, "/api/v1/topologies/line/diff")
            #expect(between["from"] == .int(1) && between["to"] == .int(2) && between["differs"] == .bool(true))

            // Two who go back at once must not go back twice.
            let rollback = "/api/v1/topologies/line/rollback"
            let tag = EntityTag(revision: 2).text
            #expect(try await post(server, rollback, "{}", type: "application/json", match: "").status == 428)
            let back = try await post(server, rollback, "{}", type: "application/json", match: tag)
            #expect(back.json["version"] == .int(3))
            #expect(try await post(server, rollback, "{}", type: "application/json", match: tag).status == 412)
            #expect(try await server.send(.delete, "/api/v1/topologies/line").status.code == 428)
            #expect(
                try await server.send(.delete, "/api/v1/topologies/line", headers: [.ifMatch: tag]).status.code == 412)
            let read = try await get(server, "/api/v1/topologies/line")
            #expect(read["text"] == .string(Self.text()) && read["origin"] == .string("rollback to 1"))
            #expect(
                try await get(server, "/api/v1/topologies/line?version=2")["text"] == .string(Self.text(Self.history)))
            let versions = try await get(server, "/api/v1/topologies/line/versions")
            #expect(versions["items"]?.array?.map { $0["version"] } == [.int(3), .int(2), .int(1)])
            let none = try await post(
                server, "/api/v1/topologies/line/rollback", #"{"to":9}"#, type: "application/json")
            #expect(none.status == 409 && none.json["detail"]?.string?.contains("no version 9") == true)
            #expect(
                try await post(server, "/api/v1/topologies/none/rollback", "{}", type: "application/json").status == 404
            )
            let actions = try api.connection.query(
                "select action from egiz.audit where object = 'topology:line' order by audit_id")
            #expect(actions.map { $0.text(0) } == ["topology.apply", "topology.apply", "topology.rollback"])
        }

        @Test func whatDoesNotFitTheStoredStateIsRefusedWithEveryReason() async throws {
            let api = try TestAPI()
            let server = server(api)
            _ = try await post(server, "/api/v1/topologies", Self.text())
            // The stage has run: things belong to it.
            try api.commit()
            let other = Self.text().replacing("events", with: "others")
            let refused = try await post(server, "/api/v1/topologies", other)
            #expect(refused.status == 409 && refused.json["code"] == .string("topology-refused"), "\(refused.json)")
            #expect(refused.json["errors"]?.array?.isEmpty == false)
            #expect(try await get(server, "/api/v1/topologies/line")["version"] == .int(1))
            // Another stage that reads the same topic would make dead letters of the things of the first: nothing allows that.
            let heir = try await post(server, "/api/v1/topologies?allowRemovedStages=true", other)
            #expect(heir.status == 409 && heir.json["errors"]?.array?.isEmpty == false, "\(heir.json.text)")
            let apart = other.replacing("telemetry.v1", with: "telemetry.v2")
            #expect(try await post(server, "/api/v1/topologies", apart).status == 409)
            let allowed = try await post(server, "/api/v1/topologies?allowRemovedStages=true", apart)
            #expect(allowed.json["outcome"] == .string("applied"), "\(allowed.json.text)")
            #expect(try await get(server, "/api/v1/topologies/line")["version"] == .int(2))
        }

        @Test func aTopologyIsPausedResumedAndDeleted() async throws {
            let api = try TestAPI()
            let server = server(api)
            let made = try await post(server, "/api/v1/topologies", Self.text(), match: "")
            #expect(made.status == 200, "nothing is there to be replaced: \(made.json.text)")
            func state() throws -> String? {
                try api.connection.query("select state from egiz.deployment").first?.text(0)
            }
            for (word, tag, expected) in [
                ("pause", #""rev:1""#, "paused"), ("resume", #""rev:1-paused""#, "running"),
            ] {
                #expect(try await server.send(.get, "/api/v1/topologies/line").headers[.eTag] == tag)
                let uri = "/api/v1/topologies/line/\(word)"
                #expect(try await server.send(.post, uri).status.code == 428)
                let stale = try await server.send(.post, uri, headers: [.ifMatch: #""rev:1-other""#])
                #expect(stale.status.code == 412 && stale.headers[.eTag] == tag)
                let answer = try await server.send(.post, uri, headers: [.ifMatch: tag])
                #expect(answer.status == .ok && answer.text.contains(#""changed":true"#), "\(answer.text)")
                #expect(try state() == expected)
                let now = try await server.send(.get, "/api/v1/topologies/line").headers[.eTag]
                #expect(answer.headers[.eTag] == now && now != tag)
            }
            #expect(try await server.send(.delete, "/api/v1/topologies/line", headers: [.ifMatch: "*"]).status == .ok)
            #expect(try state() == "deleted")
            let all: HTTPFields = [.ifMatch: "*"]
            #expect(try await server.send(.post, "/api/v1/topologies/line/resume", headers: all).status == .conflict)
            #expect(try await server.send(.post, "/api/v1/topologies/none/pause", headers: all).status == .notFound)
        }
    }
}
