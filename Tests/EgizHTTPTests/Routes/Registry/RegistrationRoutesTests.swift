import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct RegistrationRoutesTests {
        private static let thing = "org.line:filler-1"
        private static let path = "/api/v1/twins/org.line:filler-1/registration"

        private func team() async throws -> (people: TestPeople, owner: String, viewer: String, other: String) {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.line")
            let viewer = try await people.person("viewer@example.com")
            try await people.join(project, viewer.id, "viewer", by: owner)
            return (people, owner, viewer.access, try await people.person("other@example.com").access)
        }

        @Test func aRegisteredTwinIsThereBeforeItsDeviceSpeaks() async throws {
            let (people, owner, viewer, other) = try await team()
            _ = try await people.json(.put, "/api/v1/twin-types/org.line:filler:1", owner, "{}", status: .created)
            let made = try await people.send(
                .post, "/api/v1/twins", owner,
                #"{"thingId":"org.line:filler-1","type":"org.line:filler:1","metadata":{"hall":3}}"#)
            #expect(
                made.status == .created && made.headers[.location] == Self.path && made.headers[.eTag] == #""rev:1""#)
            #expect(
                people.code(try await people.send(.post, "/api/v1/twins", owner, #"{"thingId":"org.line:filler-1"}"#))
                    == "registered")
            let twin = try await people.json(.get, "/api/v1/twins/org.line:filler-1", viewer)
            #expect(twin == .object(object(["thingId": "org.line:filler-1", "definition": "org.line:filler:1"])))
            let items = try #require(try await people.json(.get, "/api/v1/twins", viewer)["items"]?.array)
            #expect(items.map { $0["thingId"] } == [.string(Self.thing)] && items[0]["_revision"] == .int(0))
            #expect(items[0]["type"] == .string("org.line:filler:1"))
            #expect(try await people.json(.get, "/api/v1/twins", other)["items"]?.array?.isEmpty == true)
            #expect(try await people.send(.get, "/api/v1/twins/org.line:filler-1", other).status == .notFound)
        }

        private func object(_ members: KeyValuePairs<String, String>) -> JSONObject {
            var object = JSONObject()
            for (name, value) in members { object[name] = .string(value) }
            return object
        }

        @Test func registrationsAreReplacedPatchedAndRemoved() async throws {
            let (people, owner, viewer, _) = try await team()
            #expect(people.code(try await people.send(.get, Self.path, owner)) == "not-registered")
            let made = try await people.json(
                .put, Self.path, owner, #"{"metadata":{"a":{"b":1,"c":2},"d":3}}"#, status: .created)
            #expect(made["version"] == .int(1) && made["type"] == .null)
            #expect(try await people.send(.put, Self.path, owner, "{}").status.code == 428)
            let patched = try await people.json(
                .patch, Self.path, owner, #"{"metadata":{"a":{"b":null,"e":[1]},"d":null}}"#,
                headers: [.ifMatch: #""rev:1""#])
            #expect(patched["metadata"] == (try JSONParser().parse(Array(#"{"a":{"c":2,"e":[1]}}"#.utf8))))
            #expect(
                try await people.send(.patch, Self.path, owner, "{}", headers: [.ifMatch: #""rev:1""#]).status
                    == .preconditionFailed)
            let tag: HTTPFields = [.ifMatch: "*"]
            #expect(try await people.send(.patch, Self.path, viewer, "{}", headers: tag).status == .forbidden)
            #expect(try await people.send(.delete, Self.path, viewer, headers: tag).status == .forbidden)
            #expect(try await people.send(.delete, Self.path, owner, headers: tag).status == .noContent)
            #expect(try await people.send(.get, Self.path, owner).status == .notFound)
            #expect(try await people.send(.get, "/api/v1/twins/org.line:filler-1", owner).status == .notFound)
        }

        @Test func onlyEditorsOfTheNamespaceRegister() async throws {
            let (people, owner, viewer, other) = try await team()
            for (token, status) in [(viewer, 403), (other, 403), (owner, 201)] as [(String, Int)] {
                let answer = try await people.send(.post, "/api/v1/twins", token, #"{"thingId":"org.line:a"}"#)
                #expect(answer.status.code == status)
            }
            // Whether a namespace is somebody's or nobody's is not told.
            for thing in ["org.nobody:a", "org.elsewhere:a"] {
                #expect(
                    people.code(try await people.send(.post, "/api/v1/twins", owner, #"{"thingId":"\#(thing)"}"#))
                        == "namespace")
            }
            #expect(
                try await people.send(
                    .put, "/api/v1/twins/org.line:a/registration", other, "{}", headers: [.ifMatch: "*"]
                ).status == .notFound)
        }

        @Test func typesAndModelsMustBeThereAndUsable() async throws {
            let (people, owner, _, other) = try await team()
            _ = try await people.project(other, namespace: "org.other")
            _ = try await people.json(.put, "/api/v1/twin-types/org.other:t:1", other, "{}", status: .created)
            for (body, code) in [
                (#"{"type":"org.line:none:1"}"#, "no-such-type"), (#"{"type":"org.other:t:1"}"#, "no-such-type"),
                (#"{"modelId":"6a1b2c3d-0000-4000-8000-000000000000"}"#, "no-such-model"),
                (#"{"modelId":"x"}"#, "invalid-body"), (#"{"metadata":{"a":"\u0000"}}"#, "invalid-body"),
                (#"{"metadata":[]}"#, "invalid-body"), (#"{"typ":"x"}"#, "invalid-body"),
            ] {
                #expect(people.code(try await people.send(.put, Self.path, owner, body)) == code, "\(body)")
            }
        }

        @Test func theSameKeyRegistersOnce() async throws {
            let (people, owner, _, _) = try await team()
            let key: HTTPFields = [.idempotencyKey: "k1"]
            let body = #"{"thingId":"org.line:a"}"#
            let first = try await people.send(.post, "/api/v1/twins", owner, body, headers: key)
            let second = try await people.send(.post, "/api/v1/twins", owner, body, headers: key)
            #expect(first.status == .created && second.status == .created && first.text == second.text)
            let other = try await people.send(.post, "/api/v1/twins", owner, #"{"thingId":"org.line:b"}"#, headers: key)
            #expect(other.status == .unprocessableContent)
        }

        @Test func relationsAreTreesWhereTheyShouldBe() async throws {
            let (people, owner, viewer, other) = try await team()
            for name in ["line", "cell", "robot"] {
                _ = try await people.json(
                    .post, "/api/v1/twins", owner, #"{"thingId":"org.line:\#(name)"}"#, status: .created)
            }
            func put(_ thing: String, _ kind: String, _ other: String, _ token: String) async throws -> Int {
                try await people.send(
                    .put, "/api/v1/twins/org.line:\(thing)/relations/\(kind)/org.line:\(other)", token
                ).status.code
            }
            #expect(try await put("robot", "parent", "cell", owner) == 201)
            #expect(try await put("robot", "parent", "cell", owner) == 204)
            #expect(try await put("robot", "parent", "line", owner) == 409, "one parent")
            #expect(try await put("cell", "parent", "line", owner) == 201)
            #expect(try await put("line", "parent", "robot", owner) == 422, "nobody is above himself")
            #expect(try await put("line", "parent", "line", owner) == 422)
            #expect(try await put("line", "feeds", "robot", owner) == 201)
            #expect(try await put("robot", "feeds", "line", owner) == 201, "what is no tree may be a circle")
            #expect(try await put("robot", "partOf", "none", owner) == 404)
            #expect(try await put("robot", "Part-Of", "line", owner) == 400)
            #expect(try await put("robot", "partOf", "line", viewer) == 403)
            #expect(try await put("robot", "partOf", "line", other) == 404)

            func list(_ query: String) async throws -> [String] {
                let found = try await people.json(.get, "/api/v1/twins/org.line:robot/relations?\(query)", viewer)
                return found["items"]?.array?.map {
                    "\($0["thingId"]?.string?.dropFirst(9) ?? "") \($0["kind"]?.string ?? "") \($0["otherId"]?.string?.dropFirst(9) ?? "")"
                } ?? []
            }
            #expect(try await list("kind=parent&direction=out") == ["robot parent cell"])
            #expect(try await list("kind=parent&direction=out&depth=5") == ["robot parent cell", "cell parent line"])
            #expect(try await list("kind=feeds&direction=in") == ["line feeds robot"])
            #expect(try await list("kind=feeds&depth=16&direction=out").count == 2, "a circle ends")
            #expect(
                try await people.send(.delete, "/api/v1/twins/org.line:robot/relations/parent/org.line:cell", owner)
                    .status == .noContent)
            #expect(
                try await people.send(.delete, "/api/v1/twins/org.line:robot/relations/parent/org.line:cell", owner)
                    .status == .notFound)
        }

        /// Everybody stands beside everybody: all of it would be walked sixteen times over.
        @Test(.timeLimit(.minutes(1))) func aWalkEndsWhereEnoughIsFound() async throws {
            let (people, owner, viewer, _) = try await team()
            _ = try await people.json(.post, "/api/v1/twins", owner, #"{"thingId":"org.line:1"}"#, status: .created)
            try people.api.connection.execute(
                """
                alter table egiz.twin_relation disable trigger user;
                insert into egiz.twin_relation (thing_id, kind, other_id)
                select 'org.line:' || a, 'near', 'org.line:' || b from generate_series(1, 300) a, generate_series(1, 300) b where a <> b
                """)
            let uri = "/api/v1/twins/org.line:1/relations?kind=near&direction=out&depth=16"
            let some = try await people.json(.get, uri + "&limit=2", viewer)
            #expect(
                some["items"]?.array?.map { $0["depth"] } == [.int(1), .int(1)] && some["complete"] == .bool(false))
            let near = try await people.json(.get, uri.replacing("depth=16", with: "depth=1") + "&limit=299", viewer)
            #expect(near["items"]?.array?.count == 299 && near["complete"] == .bool(true))
        }

        @Test func relationsDoNotLeadToWhatOneMayNotSee() async throws {
            let (people, owner, _, other) = try await team()
            _ = try await people.project(other, namespace: "org.other")
            _ = try await people.json(.post, "/api/v1/twins", owner, #"{"thingId":"org.line:a"}"#, status: .created)
            _ = try await people.json(.post, "/api/v1/twins", other, #"{"thingId":"org.other:b"}"#, status: .created)
            #expect(
                try await people.send(.put, "/api/v1/twins/org.line:a/relations/partOf/org.other:b", owner).status
                    == .notFound)
            let admin = try await people.admin().access
            #expect(
                try await people.send(.put, "/api/v1/twins/org.line:a/relations/partOf/org.other:b", admin).status
                    == .created)
            #expect(
                try await people.json(.get, "/api/v1/twins/org.line:a/relations", admin)["items"]?.array?.count == 1)
            #expect(
                try await people.json(.get, "/api/v1/twins/org.line:a/relations", owner)["items"]?.array?.isEmpty
                    == true)
            #expect(
                try await people.send(.delete, "/api/v1/twins/org.line:a/relations/partOf/org.other:b", owner).status
                    == .notFound)
        }
    }
}
