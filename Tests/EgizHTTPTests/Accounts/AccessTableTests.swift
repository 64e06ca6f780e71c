import EgizCore
import EgizPostgres
import EgizTwin
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JWTKit
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Walks every route as everybody. The table is made over the router's own routes, so that none can be forgotten, and is kept in
    /// `Cases/access.tsv`, where a change of it is seen; what must hold is said once more, by the access of each route.
    @Suite struct AccessTableTests {
        /// What a handler that was reached answers here.
        private static let open = 299

        private static let table = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Cases/access.tsv").standardizedFileURL

        /// Who asks: the value of the header, nil for none.
        private struct Caller {
            var name: String
            var authorization: String?
            /// The role in the project of the path; nil: none.
            var role: Role?
            var isAdmin = false
            var isPerson = true
            var isValid = true
            /// Asks a server on loopback that needs no credentials.
            var isLocal = false
        }

        @Test func everyRouteAnswersEverybodyAsItsAccessSays() async throws {
            let people = try TestPeople()
            let project = try await Self.project(people)
            let callers = try await Self.callers(people, project: project)
            let model = try await Self.fill(people, project: project)
            let routes = people.server.routes.routes
            // Only the gate is asked: behind it every handler says that it was reached. Where handlers decide, they answer themselves,
            // about what is in the project; whoever may change it names a version that it does not have.
            var table = people.server.routes.routes
            for index in table.indices where !Self.isFiltered(table[index]) {
                table[index].handler = { _ in Response(status: .init(code: Self.open)) }
                table[index].beforeBody = nil
            }
            func application(_ gate: AccountGate) -> Application<APIResponder> {
                Application(
                    responder: APIResponder(
                        table: RouteTable(routes: table), gate: gate, metrics: PrometheusRegistry(),
                        logger: TestAPI.quiet))
            }
            let loopback = AccountGate(
                pool: people.api.pool, configuration: AccountConfiguration(), tokens: people.people.tokens,
                outside: nil,
                hasLocalOperator: true)
            // A client without a socket needs nothing of the application but its responder.
            let local = try await application(loopback).test(.router) { $0 }
            let lines = try await application(people.people.gate).test(.router) { [callers] client in
                var lines = ["route\taccess\t" + callers.map(\.name).joined(separator: "\t")]
                for route in routes {
                    var line = ["\(Self.method(route)) \(route.path)", "\(route.access)"]
                    for caller in callers {
                        let status = try await Self.ask(
                            caller.isLocal ? local : client, route, caller, project: project, model: model)
                        #expect(status == Self.expected(route, caller), "\(line[0]) as \(caller.name)")
                        line.append("\(status)")
                    }
                    lines.append(line.joined(separator: "\t"))
                }
                return lines
            }
            let text = ([lines[0]] + lines.dropFirst().sorted()).joined(separator: "\n") + "\n"
            if ProcessInfo.processInfo.environment["EGIZ_REGENERATE"] != nil {
                try text.write(to: Self.table, atomically: true, encoding: .utf8)
            }
            let kept = try String(contentsOf: Self.table, encoding: .utf8)
            #expect(
                text == kept,
                "Cases/access.tsv is another one; look at the difference, then EGIZ_REGENERATE=1 writes it")
        }

        /// The rules, in the words of issue 6.
        private static func expected(_ route: APIRoute, _ caller: Caller) -> Int {
            let access = route.access
            if access == .everyone { return open }
            guard caller.authorization != nil || caller.isLocal, caller.isValid else { return 401 }
            switch access {
            case .everyone, .signedIn: return open
            case .filtered(let role): return filtered(route, role, caller)
            case .account: return caller.isPerson ? open : 403
            case .admin: return caller.isAdmin ? open : 403
            case .thing(let role), .project(let role):
                if caller.isAdmin { return open }
                guard let own = caller.role else { return 404 }
                return own >= role ? open : 403
            }
        }

        private static func isFiltered(_ route: APIRoute) -> Bool {
            if case .filtered = route.access { return true }
            return false
        }

        /// What the handlers say themselves. Those who have no role in the project own another one.
        private static func filtered(_ route: APIRoute, _ role: Role, _ caller: Caller) -> Int {
            let seesIt = caller.isAdmin || caller.role != nil
            guard route.writing != nil else { return route.path.contains("{") && !seesIt ? 404 : 200 }
            // Whether a namespace is somebody's or nobody's is not told.
            guard seesIt else { return route.path == "/api/v1/twins" ? 403 : 404 }
            guard caller.isAdmin || caller.role ?? .viewer >= role else { return 403 }
            switch route.path {
            case "/api/v1/twins": return 409
            case "/api/v1/models": return 201
            default: return 412
            }
        }

        // MARK: People

        private static let thing = "org.walk:filler-1"

        private static func project(_ people: TestPeople) async throws -> String {
            let owner = try await people.person("owner@example.com")
            let project = try await people.project(owner.access, namespace: "org.walk")
            for (name, role) in [("editor", "editor"), ("viewer", "viewer")] {
                let id = try await people.register("\(name)@example.com")
                try await people.join(project, id, role, by: owner.access)
            }
            return project
        }

        private static func callers(_ people: TestPeople, project: String) async throws -> [Caller] {
            func signedIn(_ name: String) async throws -> String {
                "Bearer " + (try await people.login("\(name)@example.com").access)
            }
            let other = try await people.person("other@example.com")
            _ = try await people.project(other.access, namespace: "org.other")
            let admin = try await people.admin()
            let owner = try await people.login("owner@example.com").access
            func key(_ role: String, projects: String?) async throws -> String {
                let scope = projects.map { #","projects":["\#($0)"]"# } ?? ""
                let made = try await people.json(
                    .post, "/api/v1/users/me/api-keys", owner, #"{"name":"k","role":"\#(role)"\#(scope)}"#,
                    status: .created)
                return "Bearer " + (made["key"]?.string ?? "")
            }
            let revoked = try await people.login("owner@example.com").access
            _ = try await people.send(.post, "/api/v1/auth/logout", revoked)
            // As good as the owner's in all but the one thing.
            let claims = try #require(TokenPayload(of: owner))
            let expired = try await people.people.tokens.sign(
                user: claims.user, session: claims.session, lifetime: 900, now: Date(timeIntervalSinceNow: -901))
            let forged = try await AccessTokens(.random()).sign(
                user: claims.user, session: claims.session, lifetime: 900)
            let payload = owner.split(separator: ".")[1]
            let unsigned = Base64URL.encode(Array(#"{"alg":"none","typ":"JWT"}"#.utf8)) + ".\(payload)."
            let elsewhere = try await people.project(owner)
            let ended = try await people.json(
                .post, "/api/v1/users/me/api-keys", owner, #"{"name":"k","role":"owner"}"#, status: .created)
            _ = try await people.send(.delete, "/api/v1/users/me/api-keys/\(ended["keyId"]?.string ?? "")", owner)
            let disabled = try await people.person("disabled@example.com")
            try await people.join(project, disabled.id, "owner", by: owner)
            _ = try await people.json(
                .patch, "/api/v1/users/\(disabled.id)", admin.access, #"{"isDisabled":true}"#, headers: [.ifMatch: "*"])
            return [
                Caller(name: "nobody"),
                Caller(name: "viewer", authorization: try await signedIn("viewer"), role: .viewer),
                Caller(name: "editor", authorization: try await signedIn("editor"), role: .editor),
                Caller(name: "owner", authorization: "Bearer \(owner)", role: .owner),
                Caller(name: "other", authorization: "Bearer \(other.access)"),
                Caller(name: "admin", authorization: "Bearer \(admin.access)", isAdmin: true),
                Caller(name: "expired", authorization: "Bearer \(expired)", isValid: false),
                Caller(name: "forged", authorization: "Bearer \(forged)", isValid: false),
                Caller(name: "alg none", authorization: "Bearer \(unsigned)", isValid: false),
                Caller(name: "revoked", authorization: "Bearer \(revoked)", isValid: false),
                Caller(
                    name: "key as viewer", authorization: try await key("viewer", projects: project), role: .viewer,
                    isPerson: false),
                Caller(
                    name: "key as owner", authorization: try await key("owner", projects: nil), role: .owner,
                    isPerson: false),
                Caller(
                    name: "key elsewhere", authorization: try await key("owner", projects: elsewhere), isPerson: false),
                Caller(name: "no bearer", authorization: "Basic b3duZXI6eA==", isValid: false),
                Caller(
                    name: "revoked key", authorization: "Bearer \(ended["key"]?.string ?? "")", isPerson: false,
                    isValid: false),
                Caller(name: "disabled", authorization: "Bearer \(disabled.access)", isValid: false),
                Caller(name: "local operator", isAdmin: true, isPerson: false, isLocal: true),
            ]
        }

        /// The user and the session of a token, unchecked.
        private struct TokenPayload {
            var user: UUIDText
            var session: UUIDText

            init?(of token: String) {
                let parts = token.split(separator: ".")
                guard parts.count == 3, let bytes = Base64URL.decode(String(parts[1])),
                    let object = try? JSONParser().parse(bytes).object,
                    let user = object["sub"]?.string.flatMap({ UUIDText($0) }),
                    let session = object["sid"]?.string.flatMap({ UUIDText($0) })
                else { return nil }
                self.user = user
                self.session = session
            }
        }

        // MARK: Requests

        private static let type = "org.walk:filler:1.0"
        private static let file =
            #"{"asset":{"version":"2.0"},"nodes":[{"name":"Tank"}],"scenes":[{"nodes":[0]}],"scene":0}"#

        /// One of each in the project; the id of the 3D model.
        private static func fill(_ people: TestPeople, project: String) async throws -> String {
            try people.api.commit(
                twins: [try TestAPI.twin(Self.thing, document: #"{"thingId":"\#(Self.thing)","attributes":{"a":1}}"#)])
            try people.api.connection.execute(
                """
                insert into egiz.alert (stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at,
                    updated_at, revision)
                values ('line.events', 0, 'alerts', 'org.walk:filler-1', 'heat', 'hot', 'critical', 'raised', 'hot', '2026-01-01Z',
                    '2026-01-02Z', 4);
                """)
            let owner = try await people.login("owner@example.com").access
            _ = try await people.json(.put, "/api/v1/twin-types/\(type)", owner, "{}", status: .created)
            _ = try await people.json(.post, "/api/v1/twins", owner, #"{"thingId":"org.walk:b"}"#, status: .created)
            let made = try await people.server.application().test(.router) {
                try await $0.execute(
                    uri: "/api/v1/models?name=m&project=\(project)", method: .post,
                    headers: [.authorization: "Bearer \(owner)", .contentType: "model/gltf+json"],
                    body: ByteBuffer(string: file))
            }
            return try #require(try JSONParser().parse(Array(buffer: made.body))["modelId"]?.string, "\(made.text)")
        }

        private static func body(_ route: APIRoute) -> String {
            guard let accepts = route.writing?.accepts, !accepts.isEmpty else { return "" }
            if accepts.contains("model/gltf+json") { return file }
            if route.path.hasSuffix("/assign") { return #"{"assignee":"x"}"# }
            return route.path == "/api/v1/twins" ? #"{"thingId":"org.walk:b"}"# : "{}"
        }

        private static func method(_ route: APIRoute) -> HTTPRequest.Method { route.writing?.method ?? .get }

        private static func ask(
            _ client: any TestClientProtocol, _ route: APIRoute, _ caller: Caller, project: String, model: String
        ) async throws -> Int {
            var headers: HTTPFields = [.ifMatch: #""rev:0""#]
            headers[.authorization] = caller.authorization
            if let type = route.writing?.accepts.last { headers[.contentType] = type }
            var path = route.path.replacing("{thingId}", with: thing).replacing("{project}", with: project)
                .replacing("{modelId}", with: model).replacing("{type}", with: type)
            path = path.replacing(#/\{[A-Za-z]+\}/#, with: "1")
            if route.path == "/api/v1/models", route.writing != nil { path += "?name=x&project=\(project)" }
            if route.path == "/api/v1/aggregates" { path += "?path=/attributes/a&interval=1h&namespace=org.walk" }
            return try await client.execute(
                uri: path, method: method(route), headers: headers, body: ByteBuffer(string: body(route))
            ) { Int($0.status.code) }
        }

        // MARK: Lists

        /// Lists show nothing of projects that one does not belong to, whatever the list: the real handlers answer here.
        @Test func listsShowNothingOfOtherProjects() async throws {
            let people = try TestPeople()
            let project = try await Self.project(people)
            try people.api.commit(
                twins: [try TestAPI.twin(Self.thing, document: #"{"thingId":"\#(Self.thing)","attributes":{"a":1}}"#)])
            try people.api.connection.execute(
                """
                insert into egiz.alert (
                    stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at,
                    revision)
                values ('line.events', 0, 'alerts', 'org.walk:filler-1', 'heat', 'hot', 'critical', 'raised', 'it is hot',
                    '2026-01-01Z', '2026-01-02Z', 4);
                """)
            let other = try await people.person("other@example.com")
            let viewer = try await people.login("viewer@example.com").access
            var seen: [String] = []
            for route in people.server.routes.routes {
                guard case .filtered = route.access, route.writing == nil, !route.path.contains("{") else { continue }
                // A stream has no end.
                if route.path.hasSuffix("/live") { continue }
                let hidden = try await people.send(.get, route.path, other.access)
                #expect(!hidden.text.contains("org.walk") && !hidden.text.contains(project), "\(route.path)")
                let shown = try await people.send(.get, route.path, viewer)
                if shown.text.contains("org.walk") || shown.text.contains(project) { seen.append(route.path) }
            }
            #expect(Set(seen).isSuperset(of: ["/api/v1/twins", "/api/v1/projects"]), "and they do show one's own")
            #expect(try await people.json(.get, "/api/v1/twins?fields=thingId", viewer)["items"]?.array?.count == 1)
            #expect(
                try await people.json(.get, "/api/v1/twins?fields=thingId", other.access)["items"]?.array?.isEmpty
                    == true)
            #expect(
                try await people.json(.get, "/api/v1/twins?namespace=org.walk", other.access)["items"]?.array?.isEmpty
                    == true)
        }
    }
}
