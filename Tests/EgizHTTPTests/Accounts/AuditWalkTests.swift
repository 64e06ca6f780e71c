import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Every change over the API is in the audit log, as what its author did: a walk over every route that writes, so that none can be
    /// added without a word here.
    @Suite struct AuditWalkTests {
        @Test func whateverWritesIsTold() async throws {
            let walk = try AuditWalk()
            let made = try await walk.people.admin()
            let admin = AuditWalk.Person(id: made.id, email: "admin@example.com", token: made.access)
            try walk.begin()
            let (maria, jo) = try await accounts(walk, admin)
            let project = try await projects(walk, maria, jo)
            try await registry(walk, maria, project)
            try await learning(walk, admin)
            try await operations(walk, admin)
            try await endings(walk, maria, project)
            let writing = walk.server.routes.routes.compactMap { route in
                route.writing.map { "\($0.method) \(route.path)" }
            }
            #expect(Set(writing).symmetricDifference(walk.asked) == [], "routes that the walk does not know")
        }

        private func accounts(_ walk: AuditWalk, _ admin: AuditWalk.Person) async throws -> (
            maria: AuditWalk.Person, jo: AuditWalk.Person
        ) {
            let password = TestPeople.password
            try await walk.ask(
                nil, .post, "/api/v1/auth/register", #"{"email":"maria@example.com","password":"\#(password)"}"#,
                gives: 201,
                "user.register user +")
            let first = try await walk.signIn("maria@example.com")
            // That a session goes on changes nothing.
            try await walk.ask(nil, .post, "/api/v1/auth/refresh", #"{"refreshToken":"\#(first.refresh)"}"#, gives: 200)
            try await walk.ask(
                first.person, .post, "/api/v1/auth/password",
                #"{"currentPassword":"\#(password)","newPassword":"yet another long one"}"#, gives: 204,
                "auth.password user +"
            )
            let maria = try await walk.signIn("maria@example.com", "yet another long one").person
            let keys = "/api/v1/users/me/api-keys"
            let key = try await walk.ask(
                maria, .post, keys, #"{"name":"k","role":"viewer"}"#, gives: 201, "api-key.create key +")
            try await walk.ask(
                maria, .delete, "\(keys)/\(key["keyId"]?.string ?? "")", gives: 204, "api-key.revoke key -")
            try await walk.ask(
                maria, .patch, "/api/v1/users/me", #"{"name":"Maria"}"#, match: true, gives: 200, "user.rename user -+")
            let made = try await walk.ask(
                admin, .post, "/api/v1/users", #"{"email":"jo@example.com","password":"\#(password)"}"#, gives: 201,
                "user.create user +")
            try await walk.ask(
                admin, .patch, "/api/v1/users/\(made["userId"]?.string ?? "")", #"{"name":"Jo"}"#, match: true,
                gives: 200,
                "user.change user -+")
            return (maria, try await walk.signIn("jo@example.com").person)
        }

        private func projects(_ walk: AuditWalk, _ maria: AuditWalk.Person, _ jo: AuditWalk.Person) async throws
            -> String
        {
            let made = try await walk.ask(
                maria, .post, "/api/v1/projects", #"{"name":"line"}"#, gives: 201, "project.create project +")
            let uri = "/api/v1/projects/\(made["projectId"]?.string ?? "")"
            try await walk.ask(
                maria, .patch, uri, #"{"name":"line 3"}"#, match: true, gives: 200, "project.change project -+")
            let member = "\(uri)/members/\(jo.id)"
            try await walk.ask(maria, .put, member, #"{"role":"editor"}"#, gives: 201, "project.member.add user +")
            try await walk.ask(
                maria, .put, member, #"{"role":"viewer"}"#, match: true, gives: 200, "project.member.change user -+")
            try await walk.ask(maria, .delete, member, match: true, gives: 204, "project.member.remove user -")
            try await walk.ask(
                maria, .post, "\(uri)/namespaces", #"{"namespace":"org.walk"}"#, gives: 201,
                "project.namespace.add namespace +")
            try await walk.ask(
                maria, .post, "\(uri)/things", #"{"thingId":"org.other:x"}"#, gives: 201, "project.thing.add thing +")
            try await walk.ask(maria, .delete, "\(uri)/things/org.other:x", gives: 204, "project.thing.remove thing -")
            let body = #"{"email":"jo@example.com","role":"viewer"}"#
            let first = try await walk.ask(
                maria, .post, "\(uri)/invitations", body, gives: 201, "project.invitation.create invitation +")
            try await walk.ask(
                maria, .delete, "\(uri)/invitations/\(first["invitationId"]?.string ?? "")", gives: 204,
                "project.invitation.withdraw invitation -")
            let second = try await walk.ask(
                maria, .post, "\(uri)/invitations", body, gives: 201, "project.invitation.create invitation +")
            let third = try await walk.ask(
                maria, .post, "\(uri)/invitations", #"{"email":"ann@example.com","role":"viewer"}"#, gives: 201,
                "project.invitation.create invitation +")
            // Who becomes a member by registering is told of as well.
            try await walk.ask(
                nil, .post, "/api/v1/auth/register",
                #"{"email":"ann@example.com","password":"\#(TestPeople.password)","invitation":"\#(third["token"]?.string ?? "")"}"#,
                gives: 201, "user.register user +", "project.invitation.accept invitation +")
            try await walk.ask(
                jo, .post, "/api/v1/invitations/accept", #"{"token":"\#(second["token"]?.string ?? "")"}"#, gives: 200,
                "project.invitation.accept invitation +")
            return uri
        }

        private func registry(_ walk: AuditWalk, _ maria: AuditWalk.Person, _ project: String) async throws {
            let (type, twin) = ("/api/v1/twin-types/org.walk:pump:1", "/api/v1/twins/org.walk:a")
            try await walk.ask(maria, .put, type, "{}", gives: 201, "twin-type.create twin-type +")
            try await walk.ask(
                maria, .put, type, #"{"description":"a pump"}"#, match: true, gives: 200,
                "twin-type.replace twin-type -+")
            for name in ["a", "b"] {
                try await walk.ask(
                    maria, .post, "/api/v1/twins", #"{"thingId":"org.walk:\#(name)"}"#, gives: 201,
                    "twin.register thing +")
            }
            try await walk.ask(
                maria, .put, "\(twin)/registration", "{}", match: true, gives: 200, "twin.register thing -+")
            try await walk.ask(
                maria, .patch, "\(twin)/registration", #"{"metadata":{"a":1}}"#, match: true, gives: 200,
                "twin.change thing -+")
            let relation = "\(twin)/relations/partOf/org.walk:b"
            try await walk.ask(maria, .put, relation, gives: 201, "relation.add thing +")
            try await walk.ask(maria, .delete, relation, gives: 204, "relation.remove thing -")
            let binding = #"{"objectName":"Tank","target":"text","path":"features.f.t"}"#
            let made = try await walk.ask(
                maria, .post, "\(twin)/bindings", binding, gives: 201, "binding.create binding +")
            let one = "\(twin)/bindings/\(made["id"]?.text ?? "")"
            try await walk.ask(maria, .put, one, binding, match: true, gives: 200, "binding.replace binding -+")
            try await walk.ask(maria, .delete, one, match: true, gives: 204, "binding.delete binding -")
            let (file, gltf) = (#"{"asset":{"version":"2.0"},"nodes":[{"name":"Tank"}]}"#, "model/gltf+json")
            let id = project.split(separator: "/").last.map(String.init) ?? ""
            let model = try await walk.ask(
                maria, .post, "/api/v1/models?name=m&project=\(id)", file, type: gltf, gives: 201,
                "model.create model +")
            let place = "/api/v1/models/\(model["modelId"]?.string ?? "")"
            try await walk.ask(maria, .patch, place, #"{"name":"n"}"#, match: true, gives: 200, "model.change model -+")
            try await walk.ask(
                maria, .put, "\(place)/content", file, type: gltf, match: true, gives: 200, "model.replace model -+")
            try await walk.ask(maria, .delete, place, match: true, gives: 204, "model.delete model -")
        }

        private func learning(_ walk: AuditWalk, _ admin: AuditWalk.Person) async throws {
            let (model, task) = ("/api/v1/ml/models/m", "/api/v1/ml/tasks/anomaly")
            try await walk.ask(admin, .put, model, #"{"settings":{}}"#, gives: 201, "ml-model.create ml-model +")
            try await walk.ask(
                admin, .put, model, #"{"settings":{"owner":"lab"}}"#, match: true, gives: 200,
                "ml-model.replace ml-model -+")
            try await walk.ask(admin, .delete, model, match: true, gives: 204, "ml-model.delete ml-model -")
            try await walk.ask(
                admin, .put, task, #"{"settings":{"features":[{"name":"t","path":"features.f.t"}]},"bound":true}"#,
                gives: 201,
                "ml-task.create ml-task +")
            let bound = try await walk.ask(
                admin, .post, "\(task)/bindings", #"{"thingId":"org.walk:a"}"#, gives: 201, "ml-task.bind ml-task +")
            try await walk.ask(
                admin, .delete, "\(task)/bindings/\(bound["id"]?.text ?? "")", gives: 204, "ml-task.unbind ml-task -")
            try await walk.ask(admin, .delete, task, match: true, gives: 204, "ml-task.delete ml-task -")
        }

        private func operations(_ walk: AuditWalk, _ admin: AuditWalk.Person) async throws {
            let (uri, yaml) = ("/api/v1/topologies", "application/yaml")
            func text(_ extra: String = "") -> String {
                """
                apiVersion: egiz/v1
                kind: Topology
                metadata: { name: line }
                spec:
                  sources:
                    events: { topics: [{ name: twins, partitions: 2 }], format: telemetry }
                  processors:
                    twins: { kind: twin-projector, from: events }
                \(extra)
                """
            }
            let history = text("    history: { kind: history-writer, from: twins }")
            try await walk.ask(admin, .post, "\(uri)/validate", text(), type: yaml, gives: 200)
            try await walk.ask(admin, .post, "\(uri)?dryRun=true", text(), type: yaml, gives: 200)
            try await walk.ask(
                admin, .post, uri, text(), type: yaml, gives: 200, "topology.apply topology +")
            try await walk.ask(admin, .post, "\(uri)/diff", history, type: yaml, gives: 200)
            try await walk.ask(
                admin, .post, uri, history, type: yaml, match: true, gives: 200, "topology.apply topology +")
            try await walk.ask(
                admin, .post, "\(uri)/line/rollback", "{}", match: true, gives: 200, "topology.rollback topology +")
            try await walk.ask(admin, .post, "\(uri)/line/pause", match: true, gives: 200, "topology.pause topology -+")
            try await walk.ask(
                admin, .post, "\(uri)/line/resume", match: true, gives: 200, "topology.resume topology -+")
            try walk.people.api.connection.execute(
                """
                insert into egiz.dead_letter (
                    stage, topic, partition, incarnation, "offset", record_time, key, value, headers, code, message, thing_id,
                    disposition, attempts)
                values
                    ('line.events', 'twins', 0, 1, 1, '2026-01-01Z', 'org.walk:a', '{', '[]', 'json', 'm', 'org.walk:a', 'dead', 1);
                insert into egiz.alert (
                    stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at,
                    revision)
                values
                    ('line.events', 0, 'alerts', 'org.walk:a', 'heat', 'hot', 'error', 'raised', 'hot', '2026-01-01Z',
                     '2026-01-01Z', 1);
                """)
            let event = #"{"thingId":"org.walk:a","timestamp":1767225600000,"features":{"f":{"x":1}}}"#
            try await walk.ask(
                admin, .patch, "/api/v1/dead-letters/1", event, match: true, gives: 200,
                "dead-letter.edit dead-letter +")
            let order = #""action":"discard","ids":[1]"#
            try await walk.ask(
                admin, .post, "/api/v1/dead-letters/redrive", #"{\#(order),"dryRun":true}"#, gives: 200)
            try await walk.ask(
                admin, .post, "/api/v1/dead-letters/redrive", #"{\#(order),"dryRun":false}"#, gives: 202,
                "dead-letter.discard redrive +")
            try await walk.ask(
                admin, .post, "/api/v1/alerts/1/acknowledge", "{}", match: true, gives: 202,
                "alert.acknowledge alert -+")
            try await walk.ask(
                admin, .post, "/api/v1/alerts/1/assign", #"{"assignee":"maria"}"#, match: true, gives: 200,
                "alert.assign alert -+")
            try await walk.ask(
                admin, .post, "/api/v1/alerts/1/clear", "{}", match: true, gives: 202, "alert.clear alert -+")
            try await walk.ask(admin, .delete, "\(uri)/line", match: true, gives: 200, "topology.delete topology -+")
        }

        private func endings(_ walk: AuditWalk, _ maria: AuditWalk.Person, _ project: String) async throws {
            for name in ["a", "b"] {
                try await walk.ask(
                    maria, .delete, "/api/v1/twins/org.walk:\(name)/registration", match: true, gives: 204,
                    "twin.unregister thing -")
            }
            try await walk.ask(
                maria, .delete, "/api/v1/twin-types/org.walk:pump:1", match: true, gives: 204,
                "twin-type.delete twin-type -")
            try await walk.ask(
                maria, .delete, "\(project)/namespaces/org.walk", gives: 204, "project.namespace.remove namespace -")
            try await walk.ask(maria, .delete, project, match: true, gives: 204, "project.delete project -")
            try await walk.ask(maria, .post, "/api/v1/auth/logout", gives: 204, "auth.logout user ")
        }
    }
}
