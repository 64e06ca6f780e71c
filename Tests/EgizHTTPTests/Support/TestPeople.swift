import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import NIOCore

@testable import EgizHTTP

/// A server over a fresh database where everybody needs credentials, and people who use it, asked without a socket.
final class TestPeople {
    static let password = "correct horse battery"
    static let secret = "rZ3v8kQm5Yw1Xc7Bn9Lp2Tj6Hd4Sg0Fa"

    let api: TestAPI
    let server: APIServer
    let people: Accounts

    /// - Parameter change: of what the server is set to; passwords cost next to nothing.
    init(
        demand: AccountConfiguration.Demand = .required, logger: Logger = TestAPI.quiet, tail: (any LogTail)? = nil,
        owners: (any LiveOwners)? = nil,
        _ change: (inout AccountConfiguration) -> Void = { _ in },
        configure: (inout APIConfiguration) -> Void = { _ in }
    ) throws {
        api = try TestAPI()
        var accounts = AccountConfiguration(
            demand: demand, secret: try TokenSecret(Self.secret), passwordCost: .light)
        change(&accounts)
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = accounts
        configure(&configuration)
        server = APIServer(
            configuration: configuration, pool: api.pool, owners: owners ?? LiveQueries(pool: api.pool), lag: nil,
            tail: tail, logger: logger)
        guard let people = server.accounts else { throw EngineError(.bug, .stop, "a server without accounts") }
        self.people = people
    }

    // MARK: Requests

    /// `body`: JSON; `token`: of the header Authorization, after `Bearer`.
    func send(
        _ method: HTTPRequest.Method, _ uri: String, _ token: String? = nil, _ body: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        try await server.send(method, uri, token, body, headers: headers)
    }

    /// As `send`; the answer must have the status and a JSON body.
    func json(
        _ method: HTTPRequest.Method, _ uri: String, _ token: String? = nil, _ body: String? = nil,
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) async throws -> JSONValue {
        let response = try await send(method, uri, token, body, headers: headers)
        guard response.status == status else {
            throw EngineError(.bug, .stop, "\(method) \(uri): \(response.status) \(response.text)")
        }
        return try JSONParser().parse(Array(buffer: response.body))
    }

    // MARK: People

    func register(_ email: String, password: String = TestPeople.password) async throws -> String {
        let user = try await json(
            .post, "/api/v1/auth/register", nil, #"{"email":"\#(email)","password":"\#(password)"}"#, status: .created)
        return user["userId"]?.string ?? ""
    }

    func login(_ email: String, password: String = TestPeople.password) async throws -> (
        access: String, refresh: String
    ) {
        let answer = try await json(
            .post, "/api/v1/auth/login", nil, #"{"email":"\#(email)","password":"\#(password)"}"#)
        return (answer["accessToken"]?.string ?? "", answer["refreshToken"]?.string ?? "")
    }

    /// Registers somebody and signs them in.
    func person(_ email: String) async throws -> (id: String, access: String) {
        let id = try await register(email)
        return (id, try await login(email).access)
    }

    /// An admin, made as the command line makes one.
    func admin() async throws -> (id: String, access: String) {
        let made = try AccountSetup(api.connection, actor: "test", cost: .light).create(
            email: "admin@example.com", name: "", password: Self.password, isAdmin: true)
        return (made.id.text, try await login("admin@example.com").access)
    }

    /// A project of somebody, with a namespace.
    func project(_ owner: String, namespace: String? = nil) async throws -> String {
        let project = try await json(.post, "/api/v1/projects", owner, #"{"name":"line 3"}"#, status: .created)
        let id = project["projectId"]?.string ?? ""
        if let namespace {
            _ = try await json(
                .post, "/api/v1/projects/\(id)/namespaces", owner, #"{"namespace":"\#(namespace)"}"#, status: .created)
        }
        return id
    }

    func join(_ project: String, _ user: String, _ role: String, by owner: String) async throws {
        _ = try await json(
            .put, "/api/v1/projects/\(project)/members/\(user)", owner, #"{"role":"\#(role)"}"#, status: .created)
    }

    func code(_ response: TestResponse) -> String? {
        (try? JSONParser().parse(Array(buffer: response.body)))?["code"]?.string
    }
}

extension APIServer {
    /// As `TestPeople.send`.
    func send(
        _ method: HTTPRequest.Method, _ uri: String, _ token: String? = nil, _ body: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var headers = headers
        if let token { headers[.authorization] = "Bearer \(token)" }
        if body != nil { headers[.contentType] = "application/json" }
        let response = try await application().test(.router) { [headers] in
            try await $0.execute(
                uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) } ?? ByteBuffer())
        }
        AnswerCheck.check(method, uri, response)
        return response
    }
}
