import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct TwinTypeRoutesTests {
        private static let machine = "/api/v1/twin-types/org.line:machine:1.0"
        private static let filler = "/api/v1/twin-types/org.line:filler:1.0"
        private static let whole = """
            {"description":"fills","parent":"org.line:machine:1.0","policy":"flag",
             "schema":{"additionalProperties":{"properties":{"properties":{"type":"object"}}}},
             "units":{"/features/f/properties/t":"°C"},
             "bindings":[{"objectName":"Tank","target":"color","path":"features.f.t","range":{"in":[0,100],"out":["blue","red"]}}],
             "alertRules":[{"name":"hot","when":"features.f.t > 80","for":"10s","message":"{thingId} is hot"}],
             "mlTasks":["anomaly"]}
            """

        private func team() async throws -> (people: TestPeople, owner: String, viewer: String, other: String) {
            let people = try TestPeople()
            let owner = try await people.person("owner@example.com").access
            let project = try await people.project(owner, namespace: "org.line")
            let viewer = try await people.person("viewer@example.com")
            try await people.join(project, viewer.id, "viewer", by: owner)
            return (people, owner, viewer.access, try await people.person("other@example.com").access)
        }

        private func any(_ tag: String = "*") -> HTTPFields { [.ifMatch: tag] }

        @Test func aTypeIsMadeChangedAndReadInAllItsVersions() async throws {
            let (people, owner, _, _) = try await team()
            _ = try await people.json(
                .put, Self.machine, owner, #"{"units":{"/features/f/properties/t":"K"}}"#, status: .created)
            let made = try await people.send(.put, Self.filler, owner, Self.whole)
            #expect(made.status == .created && made.headers[.eTag] == #""rev:1""#)
            #expect(made.headers[.location] == Self.filler)
            let read = try await people.json(.get, Self.filler, owner)
            #expect(
                read["alertRules"]?.array?.count == 1 && read["policy"] == .string("flag") && read["version"] == .int(1)
            )

            #expect(try await people.send(.put, Self.filler, owner, "{}").status.code == 428)
            #expect(
                try await people.send(.put, Self.filler, owner, "{}", headers: any(#""rev:9""#)).status
                    == .preconditionFailed)
            let second = try await people.json(
                .put, Self.filler, owner, #"{"parent":"org.line:machine:1.0"}"#, headers: any(#""rev:1""#))
            #expect(second["version"] == .int(2) && second["policy"] == nil)
            let versions = try await people.json(.get, Self.filler + "/versions?limit=1", owner)
            #expect(versions["items"]?.array?.map { $0["version"] } == [.int(2)])
            let next = try #require(versions["next"]?.string)
            let rest = try await people.json(.get, Self.filler + "/versions?limit=1&cursor=\(next)", owner)
            #expect(rest["items"]?.array?.first?["policy"] == .string("flag") && rest["next"] == nil)
            #expect(
                try await people.json(.get, Self.filler + "/versions/1", owner)["mlTasks"]
                    == .array([.string("anomaly")]))
            #expect(try await people.send(.get, Self.filler + "/versions/3", owner).status == .notFound)
        }

        @Test func bindingsOfATypeAreRowsOfItsTableAndTheSameAgainIsNoChange() async throws {
            let (people, owner, _, _) = try await team()
            _ = try await people.json(.put, Self.machine, owner, "{}", status: .created)
            _ = try await people.json(.put, Self.filler, owner, Self.whole, status: .created)
            let connection = people.api.connection
            func rows() throws -> [Int64?] {
                try connection.query("select binding_id from egiz.data_bindings_3d where declared order by 1").map {
                    $0.int64(0)
                }
            }
            try connection.execute(
                """
                insert into egiz.data_bindings_3d (twin_type, object_name, target, path)
                values ('org.line:filler:1.0', 'Byhand', 'text', 'features.f.t')
                """)
            let first = try rows()
            let version = try connection.query("select version from egiz.registry").first?.int64(0)
            _ = try await people.json(.put, Self.filler, owner, Self.whole, headers: any())
            #expect(try rows() == first && first.count == 1)
            #expect(try await people.json(.get, Self.filler, owner)["version"] == .int(1))
            _ = try await people.json(.put, Self.filler, owner, #"{"parent":"org.line:machine:1.0"}"#, headers: any())
            #expect(try rows().isEmpty)
            #expect(try connection.query("select version from egiz.registry").first?.int64(0) ?? 0 > version ?? 0)
            let left = try connection.query("select object_name from egiz.data_bindings_3d")
            #expect(left.map { $0.text(0) } == ["Byhand"])
        }

        @Test func whatIsInForceIsInheritedAndTheNearestCounts() async throws {
            let (people, owner, _, _) = try await team()
            _ = try await people.json(
                .put, Self.machine, owner,
                """
                {"policy":"reject","schema":{"type":"object"},"units":{"/features/f/properties/t":"K","/attributes/w":"kg"},
                 "mlTasks":["anomaly","wear"],
                 "bindings":[{"objectName":"Tank","target":"color","path":"features.f.x"},{"objectName":"Lamp","target":"color","path":"features.f.x"}],
                 "alertRules":[{"name":"hot","when":"features.f.t > 10","message":"m"},{"name":"old","when":"features.f.t > 11","message":"m"}]}
                """, status: .created)
            _ = try await people.json(.put, Self.filler, owner, Self.whole, status: .created)
            let force = try await people.json(.get, Self.filler + "/in-force", owner)
            #expect(force["lineage"] == .array([.string("org.line:filler:1.0"), .string("org.line:machine:1.0")]))
            #expect(force["policy"] == .string("flag") && force["schemas"]?.array?.count == 2)
            #expect(
                force["units"]?["/features/f/properties/t"] == .string("°C")
                    && force["units"]?["/attributes/w"] == .string("kg"))
            #expect(force["mlTasks"] == .array([.string("anomaly"), .string("wear")]))
            let bindings = try #require(force["bindings"]?.array)
            #expect(bindings.map { $0["type"] } == [.string("org.line:filler:1.0"), .string("org.line:machine:1.0")])
            #expect(force["alertRules"]?.array?.map { $0["rule"]?["name"] } == [.string("hot"), .string("old")])
        }

        @Test(
            arguments: [
                (#"{"schema":{"typ":"x"}}"#, "/schema/typ"),
                (#"{"bindings":[{"objectName":"A","target":"colour","path":"a.b"}]}"#, "/bindings/0"),
                (
                    #"{"bindings":[{"objectName":"A","target":"color","path":"features.f.t","type":"*"}]}"#,
                    "/bindings/0/type"
                ),
                (#"{"alertRules":[{"name":"a","when":"features.f.t >","message":"m"}]}"#, "/alertRules/0"),
                (
                    #"{"alertRules":[{"name":"a","when":"true","message":"m"},{"name":"a","when":"true","message":"m"}]}"#,
                    "/alertRules/1/name"
                ),
                (#"{"mlTasks":["a b"]}"#, "/mlTasks/0"), (#"{"units":{"t":"K"}}"#, "/units/t"),
                (#"{"units":{"/t":1}}"#, "/units/~1t"),
            ])
        func whatCannotBePutInForceIsRefusedWithItsPlace(body: String, place: String) async throws {
            let (people, owner, _, _) = try await team()
            let answer = try await people.json(.put, Self.machine, owner, body, status: .unprocessableContent)
            #expect(answer["code"] == .string("invalid-type"))
            #expect(answer["errors"]?.array?.first?["pointer"] == .string(place), "\(answer)")
        }

        @Test func parentsAreThereAndNoCircle() async throws {
            let (people, owner, _, other) = try await team()
            let admin = try await people.admin().access
            _ = try await people.project(other, namespace: "org.other")
            _ = try await people.json(.put, "/api/v1/twin-types/org.other:secret:1", other, "{}", status: .created)
            _ = try await people.json(.put, "/api/v1/twin-types/org.free:base:1", admin, "{}", status: .created)
            _ = try await people.json(.put, Self.machine, owner, #"{"parent":"org.free:base:1"}"#, status: .created)
            _ = try await people.json(.put, Self.filler, owner, #"{"parent":"org.line:machine:1.0"}"#, status: .created)
            for (parent, code) in [
                ("org.line:none:1", "no-such-parent"), ("org.other:secret:1", "no-such-parent"),
                ("org.line:filler:1.0", "type-circle"), ("org.line:machine:1.0", "type-circle"),
            ] {
                let answer = try await people.json(
                    .put, Self.machine, owner, #"{"parent":"\#(parent)"}"#, status: .unprocessableContent,
                    headers: any())
                #expect(answer["code"] == .string(code), "\(parent)")
            }
            let used = try await people.send(.delete, Self.machine, owner, headers: any())
            #expect(used.status == .conflict)
            #expect(try await people.send(.delete, Self.filler, owner, headers: any()).status == .noContent)
            #expect(try await people.send(.delete, Self.machine, owner, headers: any()).status == .noContent)
            #expect(try await people.send(.get, Self.machine, owner).status == .notFound)
        }

        /// Whoever sees the child reads what is in force of all above it.
        @Test func aParentIsOneWhoseAncestorsOneSees() async throws {
            let (people, owner, _, other) = try await team()
            let secret = try await people.project(other, namespace: "org.secret")
            let shared = try await people.project(other, namespace: "org.shared")
            let me = try await people.json(.get, "/api/v1/users/me", owner)["userId"]?.string ?? ""
            try await people.join(shared, me, "viewer", by: other)
            _ = try await people.json(.put, "/api/v1/twin-types/org.secret:base:1", other, "{}", status: .created)
            _ = try await people.json(
                .put, "/api/v1/twin-types/org.shared:mid:1", other, #"{"parent":"org.secret:base:1"}"#, status: .created
            )
            let child = #"{"parent":"org.shared:mid:1"}"#
            let refused = try await people.json(
                .put, Self.machine, owner, child, status: .unprocessableContent)
            #expect(refused["code"] == .string("no-such-parent"))
            try await people.join(secret, me, "viewer", by: other)
            _ = try await people.json(.put, Self.machine, owner, child, status: .created)
        }

        @Test func typesBelongToTheProjectOfTheirNamespace() async throws {
            let (people, owner, viewer, other) = try await team()
            _ = try await people.project(other)
            let admin = try await people.admin().access
            _ = try await people.json(.put, Self.machine, owner, "{}", status: .created)
            _ = try await people.json(.put, "/api/v1/twin-types/org.free:base:1", admin, "{}", status: .created)
            #expect(try await people.send(.get, Self.machine, viewer).status == .ok)
            #expect(try await people.send(.put, Self.machine, viewer, "{}", headers: any()).status == .forbidden)
            #expect(try await people.send(.delete, Self.machine, viewer, headers: any()).status == .forbidden)
            for path in ["", "/in-force", "/versions", "/versions/1"] {
                #expect(try await people.send(.get, Self.machine + path, other).status == .notFound, "\(path)")
            }
            #expect(try await people.send(.put, Self.machine, other, "{}", headers: any()).status == .notFound)
            #expect(try await people.send(.delete, Self.machine, other, headers: any()).status == .notFound)
            // Of nobody: everybody's to read, the admins' to change.
            #expect(try await people.send(.get, "/api/v1/twin-types/org.free:base:1", other).status == .ok)
            #expect(try await people.send(.put, "/api/v1/twin-types/org.free:base:1", owner, "{}").status == .forbidden)
            func names(_ token: String) async throws -> [String?] {
                try await people.json(.get, "/api/v1/twin-types", token)["items"]?.array?.map { $0["type"]?.string }
                    ?? []
            }
            #expect(try await names(viewer) == ["org.free:base:1", "org.line:machine:1.0"])
            #expect(try await names(other) == ["org.free:base:1"])
            #expect(try await people.send(.get, "/api/v1/twin-types/*:*:*", owner).status == .badRequest)
        }

        @Test func everyChangeIsAudited() async throws {
            let (people, owner, _, _) = try await team()
            _ = try await people.json(.put, Self.machine, owner, "{}", status: .created)
            _ = try await people.json(.put, Self.machine, owner, #"{"description":"x"}"#, headers: any())
            _ = try await people.send(.delete, Self.machine, owner, headers: any())
            let entries = try people.api.connection.query(
                """
                select action, before is null, after is null, actor_name, project_id is not null from egiz.audit
                where object = 'twin-type:org.line:machine:1.0' order by audit_id
                """)
            #expect(entries.map { $0.text(0) } == ["twin-type.create", "twin-type.replace", "twin-type.delete"])
            #expect(
                entries.map { $0.bool(1) } == [true, false, false]
                    && entries.map { $0.bool(2) } == [false, false, true])
            #expect(entries.allSatisfy { $0.text(3) == "owner@example.com" && $0.bool(4) == true })
        }
    }
}
