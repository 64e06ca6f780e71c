import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Bindings of things and 3D models, as the local operator; who may do what is in `theyBelongToProjects`.
    @Suite struct BindingRoutesTests {
        private static let list = "/api/v1/twins/org.line:a/bindings"
        private static let tank =
            #"{"objectName":"Tank","target":"color","path":"features.f.t","range":{"in":[0,100],"out":["blue","red"]}}"#

        @Test func aBindingIsMadeReadReplacedAndDeleted() async throws {
            let people = try TestPeople(demand: .loopback)
            let made = try await people.send(.post, Self.list, nil, Self.tank)
            #expect(made.status == .created)
            let path = try #require(made.headers[.location])
            let read = try await people.json(.get, path)
            #expect(
                read["binding"]?["range"]?["out"] == .array([.string("blue"), .string("red")])
                    && read["enabled"] == .bool(true))
            #expect(try await people.send(.put, path, nil, Self.tank).status.code == 428)
            let off = try await people.json(
                .put, path, nil,
                #"{"objectName":"Tank","target":"text","expression":"features.f.t * 2","enabled":false}"#,
                headers: [.ifMatch: #""rev:1""#])
            #expect(off["enabled"] == .bool(false) && off["version"] == .int(2) && off["binding"]?["path"] == nil)
            let row = try people.api.connection.query(
                "select expression, enabled, mapping::text from egiz.data_bindings_3d")
            #expect(
                row.first?.text(0) == "features.f.t * 2" && row.first?.bool(1) == false && row.first?.text(2) == "{}")
            #expect(try await people.send(.get, path.replacing("org.line:a", with: "org.line:b")).status == .notFound)
            #expect(
                try await people.send(.delete, path, headers: [.ifMatch: #""rev:1""#]).status == .preconditionFailed)
            #expect(try await people.send(.delete, path, headers: [.ifMatch: #""rev:2""#]).status == .noContent)
            #expect(try await people.json(.get, Self.list)["items"]?.array?.isEmpty == true)
        }

        @Test(
            arguments: [
                (#"{"objectName":"T","target":"colour","path":"features.f.t"}"#, 422, "invalid-binding"),
                (#"{"objectName":"T","target":"color","pth":"features.f.t"}"#, 422, "invalid-binding"),
                (#"{"objectName":"T","target":"color"}"#, 422, "invalid-binding"),
                (#"{"objectName":"T","target":"color","path":"features.f.t","type":"*"}"#, 400, "invalid-body"),
                (#"{"objectName":"T","target":"color","path":"features.f.t","enabled":1}"#, 400, "invalid-body"),
                ("[]", 400, "invalid-body"),
                (#"{"objectName":"\u0000","target":"color","path":"a.b"}"#, 400, "invalid-body"),
            ])
        func whatMakesNoSenseIsRefused(body: String, status: Int, code: String) async throws {
            let people = try TestPeople(demand: .loopback)
            let answer = try await people.send(.post, Self.list, nil, body)
            #expect(answer.status.code == status && people.code(answer) == code, "\(answer.text)")
        }

        @Test func aThingWhoseNameIsAPatternHasNoBindings() async throws {
            let people = try TestPeople(demand: .loopback)
            let answer = try await people.send(.post, "/api/v1/twins/org.line:*/bindings", nil, Self.tank)
            #expect(people.code(answer) == "thing-pattern")
        }

        @Test func inheritedBindingsComeWithTheirDistance() async throws {
            let people = try TestPeople(demand: .loopback)
            _ = try await people.json(
                .put, "/api/v1/twin-types/org.line:m:1", nil, "{\"bindings\":[\(Self.tank)]}", status: .created)
            _ = try await people.json(
                .put, "/api/v1/twin-types/org.line:f:1", nil, #"{"parent":"org.line:m:1"}"#, status: .created)
            _ = try await people.json(
                .post, "/api/v1/twins", nil, #"{"thingId":"org.line:a","type":"org.line:f:1"}"#, status: .created)
            _ = try await people.json(.post, Self.list, nil, Self.tank, status: .created)
            #expect(try await people.json(.get, Self.list)["items"]?.array?.count == 1)
            let items = try #require(try await people.json(.get, Self.list + "?inherited=true")["items"]?.array)
            #expect(items.map { $0["distance"] } == [.int(0), .int(2)])
            #expect(items[1]["type"] == .string("org.line:m:1") && items[1]["declared"] == .bool(true))
        }

        // MARK: 3D models

        private func upload(
            _ people: TestPeople, _ uri: String, _ file: String, _ token: String? = nil,
            method: HTTPRequest.Method = .post,
            headers: HTTPFields = [:]
        ) async throws -> TestResponse {
            var headers = headers
            headers[.contentType] = "model/gltf+json"
            if let token { headers[.authorization] = "Bearer \(token)" }
            return try await people.server.application().test(.router) { [headers] in
                try await $0.execute(uri: uri, method: method, headers: headers, body: ByteBuffer(string: file))
            }
        }

        private static let model =
            #"{"asset":{"version":"2.0"},"nodes":[{"name":"Tank","children":[1]},{"name":"Lamp"}]}"#

        @Test func aModelIsStoredWithItsNodesAndBindingsAreHeldToThem() async throws {
            let people = try TestPeople(demand: .loopback)
            let made = try await upload(people, "/api/v1/models?name=filler", Self.model)
            #expect(made.status == .created)
            let path = try #require(made.headers[.location])
            let read = try await people.json(.get, path)
            #expect(read["nodeCount"] == .int(2) && read["bytes"] == .int(Int64(Self.model.utf8.count)))
            let nodes = try #require(try await people.json(.get, path + "/nodes")["items"]?.array)
            #expect(nodes.map { $0["name"] } == [.string("Tank"), .string("Lamp")] && nodes[1]["parent"] == .int(0))
            let first = try await people.json(.get, path + "/nodes?limit=1")
            #expect(first["items"]?.array?.map { $0["name"] } == [.string("Tank")])
            let next = try #require(first["next"]?.string)
            let second = try await people.json(.get, path + "/nodes?limit=1&cursor=\(next)")
            #expect(second["items"]?.array?.map { $0["name"] } == [.string("Lamp")] && second["next"] == nil)
            let content = try await people.send(.get, path + "/content")
            #expect(content.text == Self.model && content.headers[.contentType] == "model/gltf+json")

            let id = try #require(read["modelId"]?.string)
            _ = try await people.json(
                .post, "/api/v1/twins", nil, #"{"thingId":"org.line:a","modelId":"\#(id)"}"#, status: .created)
            let wrong = try await people.send(.post, Self.list, nil, Self.tank.replacing("Tank", with: "Tang"))
            #expect(people.code(wrong) == "no-such-node" && wrong.text.contains("did you mean Tank?"))
            #expect(try await people.send(.post, Self.list, nil, Self.tank).status == .created)

            let placed = try await people.json(
                .patch, path, nil, #"{"name":"f2","transform":{"translation":[1,2.5,0],"scale":[1,1,1]}}"#,
                headers: [.ifMatch: #""rev:1""#])
            #expect(
                placed["transform"]?["translation"] == .array([.int(1), .double(2.5), .int(0)])
                    && placed["name"] == .string("f2"))
            #expect(
                try await people.send(.patch, path, nil, #"{"transform":{"scale":[1]}}"#, headers: [.ifMatch: "*"])
                    .status == .badRequest)
            let other = try await upload(
                people, path + "/content", Self.model.replacing("Lamp", with: "Bulb"), method: .put,
                headers: [.ifMatch: #""rev:2""#])
            #expect(other.status == .ok)
            #expect(try await people.send(.get, path + "/content").text.contains("Bulb"))
            #expect(try await people.send(.delete, path, headers: [.ifMatch: "*"]).status == .noContent)
            #expect(try people.api.connection.query("select from egiz.model_3d_chunk").isEmpty)
            #expect(try await people.json(.get, "/api/v1/twins/org.line:a/registration")["modelId"] == .null)
        }

        /// Models that are made small and replaced by large files are bounded as well.
        @Test func anotherFileOfAModelNeedsRoomInItsProject() async throws {
            let people = try TestPeople(demand: .loopback)
            let size = Int64(Self.model.utf8.count)
            let path = try #require(try await upload(people, "/api/v1/models?name=a", Self.model).headers[.location])
            _ = try await upload(people, "/api/v1/models?name=b", Self.model)
            func replace(by file: String) async throws -> TestResponse {
                try await upload(people, path + "/content", file, method: .put, headers: [.ifMatch: "*"])
            }
            // Together they have all that there is.
            _ = try people.api.connection.query(
                "update egiz.model_3d set bytes = $1 where name = 'b'", [.int64(ModelRoutes.mostBytes - size)])
            #expect(try await replace(by: Self.model).status == .ok, "what it had is given back")
            let refused = try await replace(by: Self.model + " ")
            #expect(refused.status == .conflict && people.code(refused) == "too-many-models")
            #expect(try await people.send(.get, path + "/content").text == Self.model)
        }

        @Test func aFileOfManyPiecesComesBackAsItWas() async throws {
            let people = try TestPeople(demand: .loopback)
            let padding = String(repeating: " ", count: 2_500_000)
            let file = Self.model + padding + "\n"
            let made = try await upload(people, "/api/v1/models?name=large", file)
            let path = try #require(made.headers[.location])
            #expect(try people.api.connection.query("select from egiz.model_3d_chunk").count == 3)
            #expect(try await people.send(.get, path + "/content").text == file)
            #expect(people.code(try await upload(people, "/api/v1/models?name=x", "{}")) == "invalid-model")
            #expect(try await upload(people, "/api/v1/models", Self.model).status == .badRequest)
        }

        @Test func theyBelongToProjects() async throws {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.line")
            let viewer = try await people.person("viewer@example.com")
            try await people.join(project, viewer.id, "viewer", by: owner)
            let other = try await people.person("other@example.com").access
            _ = try await people.project(other)
            let admin = try await people.admin().access
            #expect(
                try await upload(people, "/api/v1/models?name=m", Self.model, owner).status == .badRequest, "whose?")
            let made = try await upload(people, "/api/v1/models?name=m&project=\(project)", Self.model, owner)
            let path = try #require(made.headers[.location])
            #expect(
                try await upload(people, "/api/v1/models?name=m&project=\(project)", Self.model, viewer.access).status
                    == .forbidden)
            #expect(
                try await upload(people, "/api/v1/models?name=m&project=\(project)", Self.model, other).status
                    == .notFound)
            for end in ["", "/content", "/nodes"] {
                #expect(try await people.send(.get, path + end, viewer.access).status == .ok, "\(end)")
                #expect(try await people.send(.get, path + end, other).status == .notFound, "\(end)")
            }
            for (token, status) in [(viewer.access, 403), (other, 404)] as [(String, Int)] {
                #expect(
                    try await people.send(.patch, path, token, #"{"name":"x"}"#, headers: [.ifMatch: "*"]).status.code
                        == status)
                #expect(try await people.send(.delete, path, token, headers: [.ifMatch: "*"]).status.code == status)
                #expect(
                    try await upload(
                        people, path + "/content", Self.model, token, method: .put, headers: [.ifMatch: "*"]
                    ).status.code == status)
            }
            let shared = try #require(
                try await upload(people, "/api/v1/models?name=all", Self.model, admin).headers[.location])
            #expect(try await people.send(.get, shared, other).status == .ok)
            #expect(try await people.send(.delete, shared, owner, headers: [.ifMatch: "*"]).status == .forbidden)
            func count(_ token: String) async throws -> Int? {
                try await people.json(.get, "/api/v1/models", token)["items"]?.array?.count
            }
            #expect(try await count(owner) == 2)
            #expect(try await count(other) == 1)
            #expect(try await people.send(.post, Self.list, viewer.access, Self.tank).status == .forbidden)
            #expect(try await people.send(.get, Self.list, other).status == .notFound)
        }
    }
}
