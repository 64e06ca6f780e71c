import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Models of machine learning, their tasks, whom they are for, and what they say.
    @Suite struct LearningRoutesTests {
        private static let task = "/api/v1/ml/tasks/anomaly"
        private static let settings = #"{"settings":{"features":[{"name":"t","path":"features.f.t"}]},"bound":true}"#
        private static let any: HTTPFields = [.ifMatch: "*"]

        @Test func aTaskIsMadeByTheWordsOfTopologyFiles() async throws {
            let people = try TestPeople(demand: .loopback)
            let made = try await people.send(.put, Self.task, nil, Self.settings)
            #expect(
                made.status == .created && made.headers[.eTag] == #""rev:1""# && made.headers[.location] == Self.task)
            let off = try await people.json(
                .put, Self.task, nil,
                #"{"settings":{"model":"m","features":[{"name":"t","path":"features.f.t"}]},"enabled":false}"#,
                headers: [.ifMatch: #""rev:1""#])
            #expect(off["version"] == .int(2) && off["enabled"] == .bool(false) && off["bound"] == .bool(false))
            for body in [
                #"{"settings":{}}"#, #"{"settings":{"features":[{"name":"t","pth":"x"}]}}"#,
                #"{"settings":{"trigger":"time","features":[{"name":"t","path":"features.f.t"}]}}"#,
            ] {
                let refused = try await people.send(.put, Self.task, nil, body, headers: Self.any)
                #expect(people.code(refused) == "invalid-task" && !refused.text.contains("ml_task["), "\(refused.text)")
            }
            #expect(
                people.code(try await people.send(.put, Self.task, nil, #"{"bound":true}"#, headers: Self.any))
                    == "invalid-body")
            #expect(try await people.send(.put, "/api/v1/ml/tasks/-x", nil, Self.settings).status == .badRequest)
            #expect(
                try await people.json(.get, "/api/v1/ml/tasks")["items"]?.array?.map { $0["task"] } == [
                    .string("anomaly")
                ])

            _ = try await people.json(
                .put, "/api/v1/ml/models/m", nil, #"{"settings":{"owner":"lab"}}"#, status: .created)
            #expect(people.code(try await people.send(.delete, "/api/v1/ml/models/m", headers: Self.any)) == "in-use")
            #expect(try await people.send(.delete, Self.task, headers: Self.any).status == .noContent)
            #expect(try await people.send(.delete, "/api/v1/ml/models/m", headers: Self.any).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/ml/models/m").status == .notFound)
        }

        @Test func typesAndThingsAreBoundToATask() async throws {
            let people = try TestPeople(demand: .loopback)
            let uri = Self.task + "/bindings"
            #expect(try await people.send(.post, uri, nil, #"{"thingId":"a:b"}"#).status == .notFound)
            _ = try await people.json(.put, Self.task, nil, Self.settings, status: .created)
            let made = try await people.send(.post, uri, nil, #"{"thingId":"a:b"}"#)
            #expect(made.status == .created)
            #expect(try await people.send(.post, uri, nil, #"{"thingId":"a:b"}"#).status == .ok)
            _ = try await people.json(.post, uri, nil, #"{"type":"a:b:1"}"#, status: .created)
            #expect(try await people.send(.post, uri, nil, #"{"type":"a:b:1","thingId":"a:b"}"#).status == .badRequest)
            #expect(try await people.send(.post, uri, nil, "{}").status == .badRequest)
            #expect(try await people.json(.get, uri)["items"]?.array?.count == 2)
            let path = try #require(made.headers[.location])
            #expect(try await people.send(.delete, path).status == .noContent)
            #expect(try await people.send(.delete, path).status == .notFound)
        }

        /// Settings of tasks name types and things of all projects.
        @Test func theyAreTheAdmins() async throws {
            let people = try TestPeople()
            let owner = try await people.person("a@example.com").access
            #expect(try await people.send(.put, Self.task, owner, Self.settings).status == .forbidden)
            let admin = try await people.admin().access
            _ = try await people.json(.put, Self.task, admin, Self.settings, status: .created)
            for path in [Self.task, "/api/v1/ml/tasks", "/api/v1/ml/models"] {
                #expect(try await people.send(.get, path, owner).status == .forbidden)
                #expect(try await people.send(.get, path, admin).status == .ok)
            }
            #expect(try await people.send(.get, Self.task).status == .unauthorized)
            #expect(try await people.send(.delete, Self.task, owner, headers: Self.any).status == .forbidden)
        }

        @Test func predictionsOfAllTwinsComeInPagesAndByProject() async throws {
            let people = try TestPeople()
            try people.api.connection.execute(
                """
                insert into egiz.ml_prediction (stage, partition, thing_id, task, model, shadow, score, revision, event_time,
                    output_topic, output_partition, output_offset, latency_ms)
                select 's', 0, thing, task, 'm', shadow, 0.5, 1, '2026-01-01Z', 'o', 0, 1, 2.5
                from unnest(array['org.a:1', 'org.b:1']) thing, unnest(array['x', 'y']) task, unnest(array[true, false]) shadow
                """)
            let owner = try await people.person("a@example.com").access
            _ = try await people.project(owner, namespace: "org.a")
            let admin = try await people.admin().access
            func rows(_ query: String, _ token: String) async throws -> [String] {
                try await people.json(.get, "/api/v1/predictions?\(query)", token)["items"]?.array?.map {
                    "\($0["thingId"]?.string ?? "") \($0["task"]?.string ?? "") \($0["shadow"]?.text ?? "")"
                } ?? []
            }
            #expect(try await rows("", admin).count == 8)
            #expect(
                try await rows("", owner) == ["org.a:1 x false", "org.a:1 x true", "org.a:1 y false", "org.a:1 y true"])
            #expect(try await rows("task=y&shadow=false", owner) == ["org.a:1 y false"])
            #expect(try await rows("namespace=org.b", owner).isEmpty)
            var all: [String] = []
            var next = ""
            repeat {
                let page = try await people.json(
                    .get, "/api/v1/predictions?limit=3" + (next.isEmpty ? "" : "&cursor=\(next)"), admin)
                all += page["items"]?.array?.map { "\($0["thingId"]?.string ?? "") \($0["task"]?.string ?? "")" } ?? []
                next = page["next"]?.string ?? ""
            } while !next.isEmpty && all.count < 20
            #expect(all.count == 8 && Set(all).count == 4)
        }
    }
}
