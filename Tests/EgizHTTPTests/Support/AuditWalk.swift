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

/// Asks a server with accounts and topologies, and looks at what the audit log has of each request.
final class AuditWalk {
    struct Person {
        var id: String
        var email: String
        var token: String
    }

    let people: TestPeople
    let server: APIServer
    private(set) var asked: Set<String> = []
    private var seen: Int64

    init() throws {
        people = try TestPeople()
        let api = people.api
        try api.commit()
        let load: @Sendable (String) -> LoadedTopology = { text in
            TopologyLoader(registry: .builtin, environment: [:]).load(text: text, file: "body")
        }
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration(
            demand: .required, secret: try TokenSecret(TestPeople.secret), passwordCost: .light)
        server = APIServer(
            configuration: configuration, pool: api.pool, lag: nil,
            rehearsal: RehearsalSetup(registry: .builtin, url: api.url, read: { load($1).topology }),
            logger: TestAPI.quiet)
        seen = 0
    }

    private func entries() throws -> [StoredAuditEntry] {
        let new = try AuditQueries(people.api.connection).page(.init(), before: nil, limit: 100).entries
            .filter { $0.id > seen }
        seen = new.map(\.id).max() ?? seen
        return new.reversed()
    }

    /// What came before the walk is not looked at.
    func begin() throws { _ = try entries() }

    /// - Parameters:
    ///   - who: the author of what is told; nil: nobody has signed in yet.
    ///   - told: action and kind of object of each entry, `-` where it has what was there before, `+` where it has what is there
    ///     now.
    @discardableResult
    func ask(
        _ who: Person?, _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil,
        type: String = "application/json", match: Bool = false, gives status: Int, _ told: String...
    ) async throws -> JSONValue {
        var headers: HTTPFields = [:]
        if let who { headers[.authorization] = "Bearer \(who.token)" }
        if body != nil { headers[.contentType] = type }
        if match { headers[.ifMatch] = "*" }
        let response = try await server.application().test(.router) { [headers] in
            try await $0.execute(
                uri: uri, method: method, headers: headers, body: ByteBuffer(string: body ?? ""))
        }
        #expect(Int(response.status.code) == status, "\(method) \(uri): \(response.text)")
        let route = server.routes.match(String(uri.prefix { $0 != "?" })).first { $0.answers(method) }
        asked.insert("\(method) \(route?.path ?? uri)")
        let found = try entries()
        let texts = found.map { entry in
            let (before, after) = (entry.before == nil ? "" : "-", entry.after == nil ? "" : "+")
            return "\(entry.action) \(entry.object.prefix { $0 != ":" }) \(before)\(after)"
        }
        #expect(texts == told, "\(method) \(uri)")
        for entry in found {
            #expect(entry.requestID?.isEmpty == false, "\(entry.action)")
            guard let who else { continue }
            #expect(entry.actor == "user:\(who.id)" && entry.actorName == who.email, "\(entry.action)")
        }
        let bytes = Array(buffer: response.body)
        return bytes.isEmpty ? .null : (try? JSONParser().parse(bytes)) ?? .null
    }

    func signIn(_ email: String, _ password: String = TestPeople.password) async throws -> (
        person: Person, refresh: String
    ) {
        let answer = try await ask(
            nil, .post, "/api/v1/auth/login", #"{"email":"\#(email)","password":"\#(password)"}"#, gives: 200,
            "auth.login user ")
        return (
            Person(
                id: answer["user"]?["userId"]?.string ?? "", email: email,
                token: answer["accessToken"]?.string ?? ""), answer["refreshToken"]?.string ?? ""
        )
    }
}
