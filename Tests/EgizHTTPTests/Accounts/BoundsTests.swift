import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// What one person may take of what is everybody's, and lists that come in pages.
    @Suite struct BoundsTests {
        // MARK: Names

        @Test func onePersonOwnsSoManyProjectsAndAnAdminMore() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            _ = try people.api.connection.query(
                """
                with made as (insert into egiz.project (name) select 'p' from generate_series(1, $2::bigint) returning project_id)
                insert into egiz.project_member (project_id, user_id, role) select project_id, $1::text::uuid, 'owner' from made
                """, [.text(maria.id), .int64(Int64(ProjectRoutes.mostOwned) - 1)])
            let body = #"{"name":"another"}"#
            _ = try await people.json(.post, "/api/v1/projects", maria.access, body, status: .created)
            let refused = try await people.send(.post, "/api/v1/projects", maria.access, body)
            #expect(refused.status == .conflict && people.code(refused) == "too-many-projects")
            try people.api.connection.execute("update egiz.account set is_admin = true")
            await people.people.gate.forget()
            _ = try await people.json(.post, "/api/v1/projects", maria.access, body, status: .created)
        }

        @Test func aProjectTakesSoManyNamespacesAndAnAdminGivesMore() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            _ = try people.api.connection.query(
                """
                insert into egiz.project_namespace (namespace, project_id)
                select 'org.n' || number, $1::text::uuid from generate_series(1, $2::bigint) number
                """, [.text(project), .int64(Int64(BelongingRoutes.mostNamespaces) - 1)])
            let uri = "/api/v1/projects/\(project)/namespaces"
            _ = try await people.json(.post, uri, maria.access, #"{"namespace":"org.last"}"#, status: .created)
            let refused = try await people.send(.post, uri, maria.access, #"{"namespace":"org.more"}"#)
            #expect(refused.status == .conflict && people.code(refused) == "too-many-namespaces")
            let admin = try await people.admin()
            _ = try await people.json(.post, uri, admin.access, #"{"namespace":"org.more"}"#, status: .created)
        }

        @Test func whereAdminsGiveNamespacesOwnersTakeNone() async throws {
            let people = try TestPeople { $0.ownersTakeNamespaces = false }
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            for (path, body) in [("namespaces", #"{"namespace":"org.a"}"#), ("things", #"{"thingId":"org.b:1"}"#)] {
                let refused = try await people.send(
                    .post, "/api/v1/projects/\(project)/\(path)", maria.access, body)
                #expect(refused.status == .forbidden && people.code(refused) == "admin-only", "\(path)")
            }
            let admin = try await people.admin()
            _ = try await people.json(
                .post, "/api/v1/projects/\(project)/namespaces", admin.access, #"{"namespace":"org.a"}"#,
                status: .created)
            _ = try await people.json(
                .post, "/api/v1/projects/\(project)/things", maria.access, #"{"thingId":"org.a:1"}"#, status: .created)
        }

        /// Whoever registered the address of the first admin before is no admin because of it.
        @Test func theAddressOfTheFirstAdminMakesNobodyOne() async throws {
            let people = try TestPeople()
            _ = try await people.register("admin@localhost")
            let setup = AccountSetup(people.api.connection, actor: "test", cost: .light)
            #expect(try setup.ensureAdmin(email: "admin@localhost", password: nil) == nil)
            #expect(try !setup.hasAdmin(email: "admin@localhost") && !setup.hasAdmin())
            _ = try setup.create(email: "boss@example.com", name: "", password: nil, isAdmin: true)
            #expect(try setup.hasAdmin(email: "boss@example.com") && !setup.hasAdmin(email: "nobody@example.com"))
            try setup.setDisabled(email: "boss@example.com", true)
            #expect(try !setup.hasAdmin(email: "boss@example.com"))
        }

        // MARK: Pages

        /// Every item of a list, page by page.
        private func all(
            _ people: TestPeople, _ uri: String, _ token: String?, _ member: String, limit: Int
        ) async throws -> [String] {
            var found: [String] = []
            var next: String?
            repeat {
                let more = next.map { "&cursor=\($0)" } ?? ""
                let separator = uri.contains("?") ? "&" : "?"
                let page = try await people.json(.get, "\(uri)\(separator)limit=\(limit)\(more)", token)
                let items = page["items"]?.array ?? []
                #expect(items.count <= limit)
                found += items.map { $0[member]?.string ?? $0[member]?.text ?? "" }
                next = page["next"]?.string
            } while next != nil && found.count < 50
            return found
        }

        @Test func membersComeInPagesOwnersFirst() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            try people.api.connection.execute(
                """
                with made as (
                    insert into egiz.account (email) values ('e@x'), ('d@x'), (null), ('c@x'), ('b@x') returning user_id, email)
                insert into egiz.project_member (project_id, user_id, role)
                select '\(project)'::uuid, user_id, case email when 'e@x' then 'owner' when 'd@x' then 'editor' else 'viewer' end
                from made
                """)
            let uri = "/api/v1/projects/\(project)/members"
            let expected = ["e@x", "maria@example.com", "d@x", "null", "b@x", "c@x"]
            for limit in [1, 2, 4, 6] {
                #expect(try await all(people, uri, maria.access, "email", limit: limit) == expected)
            }
            let other = try await people.project(maria.access)
            let cursor = try await people.json(.get, "\(uri)?limit=1", maria.access)["next"]?.string ?? ""
            let wrong = try await people.send(.get, "/api/v1/projects/\(other)/members?cursor=\(cursor)", maria.access)
            #expect(wrong.status == .badRequest, "the cursor is of another list")
        }

        /// Also where several were made at one time.
        @Test func keysAndInvitationsComeInPagesTheNewestFirst() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            let connection = people.api.connection
            _ = try connection.query(
                """
                insert into egiz.api_key (user_id, name, prefix, key_hash, role, created_at, expires_at)
                select $1::text::uuid, 'k', 'egiz_', sha256(number::text::bytea), 'viewer',
                    now() - (number / 3) * interval '1 hour', now() + interval '1 day' from generate_series(1, 7) number
                """, [.text(maria.id)])
            _ = try connection.query(
                """
                insert into egiz.invitation (project_id, email, role, token_hash, created_at, expires_at)
                select $1::text::uuid, number || '@x', 'viewer', sha256(number::text::bytea),
                    now() - (number / 3) * interval '1 hour', now() + interval '1 day' from generate_series(1, 7) number
                """, [.text(project)])
            for (uri, member, table) in [
                ("/api/v1/users/me/api-keys", "keyId", "api_key order by created_at desc, key_id"),
                (
                    "/api/v1/projects/\(project)/invitations", "invitationId",
                    "invitation order by created_at desc, invitation_id"
                ),
            ] {
                let column = member == "keyId" ? "key_id" : "invitation_id"
                let expected = try connection.query("select \(column)::text from egiz.\(table)").compactMap {
                    $0.text(0)
                }
                for limit in [1, 2, 3, 7] {
                    #expect(try await all(people, uri, maria.access, member, limit: limit) == expected)
                }
            }
        }

        @Test func bindingsComeInPagesTheNearestFirst() async throws {
            let people = try TestPeople(demand: .loopback)
            try people.api.connection.execute(
                """
                insert into egiz.twin_type (twin_type, parent) values ('n:base:1', null), ('n:pump:1', 'n:base:1');
                insert into egiz.twin_registration (thing_id, twin_type) values ('n.a:1', 'n:pump:1');
                insert into egiz.data_bindings_3d (object_name, target, path, mapping, enabled, twin_type, thing_id) values
                    ('B', 'color', 'a.b', '{}', true, 'n:base:1', null), ('P', 'color', 'a.b', '{}', true, 'n:pump:1', null),
                    ('T', 'color', 'a.b', '{}', true, null, 'n.a:1'), ('U', 'color', 'a.b', '{}', true, null, 'n.a:1');
                """)
            let uri = "/api/v1/twins/n.a:1/bindings"
            for limit in [1, 2, 3, 4] {
                #expect(
                    try await all(people, uri + "?inherited=true", nil, "id", limit: limit) == ["3", "4", "2", "1"])
                #expect(try await all(people, uri, nil, "id", limit: limit) == ["3", "4"])
            }
        }

        @Test func versionsOfATopologyComeInPagesTheNewestFirst() async throws {
            let people = try TestPeople(demand: .loopback)
            try people.api.connection.execute(
                "insert into egiz.topology (name, version, text) select 'line', number, 'x' from generate_series(1, 5) number"
            )
            let uri = "/api/v1/topologies/line/versions"
            for limit in [1, 2, 5] {
                #expect(try await all(people, uri, nil, "version", limit: limit) == ["5", "4", "3", "2", "1"])
            }
            #expect(try await people.send(.get, "/api/v1/topologies/none/versions").status == .notFound)
        }
    }
}
