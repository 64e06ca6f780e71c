import EgizPostgres
import EgizTwin
import HTTPTypes
import NIOCore
import HummingbirdTesting
import Testing

@testable import EgizHTTP

/// What is answered before the database is asked; the pool of these tests has none.
@Suite struct RoutingTests {
    private func ask(_ uri: String, method: HTTPRequest.Method = .get, headers: HTTPFields = [:]) async throws
        -> TestResponse
    {
        // Port 1 refuses at once.
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let server = APIServer(configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: TestAPI.quiet)
        return try await server.application().test(.router) {
            try await $0.execute(uri: uri, method: method, headers: headers)
        }
    }

    @Test func unknownPathsAreProblemsThatNameTheNearestPath() async throws {
        let response = try await ask("/api/v1/twin")
        #expect(response.status == .notFound)
        #expect(response.headers[.contentType] == "application/problem+json")
        let problem = try JSONParser().parse(Array(buffer: response.body))
        #expect(problem["type"] == .string("urn:egiz:problem:not-found"))
        #expect(problem["instance"] == .string("/api/v1/twin"))
        #expect(problem["status"] == .int(404))
        #expect(response.text.contains("Did you mean /api/v1/twins?"))
    }

    @Test(arguments: [
        "/", "", "/api", "/api/v1/twins/", "/api/v1//twins", "/api/v1/twins/a:b/history/x", "/API/v1/twins",
        "/healthz/",
    ])
    func nearlyRightPathsAreUnknown(path: String) async throws {
        #expect(try await ask(path).status == .notFound)
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .delete, .patch, .options])
    func otherMethodsAreRefusedWithWhatIsAllowed(method: HTTPRequest.Method) async throws {
        let response = try await ask("/api/v1/twins/a:b", method: method)
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers[.allow] == "GET, HEAD")
    }

    @Test func healthIsAnsweredWithoutADatabase() async throws {
        let response = try await ask("/healthz")
        #expect(response.status == .ok && response.text == #"{"status":"ok"}"#)
    }

    @Test func headHasTheHeadersOfGetAndNoBody() async throws {
        let get = try await ask("/healthz")
        let head = try await ask("/healthz", method: .head)
        #expect(head.status == .ok && head.body.readableBytes == 0)
        #expect(head.headers[.contentLength] == get.headers[.contentLength] && get.headers[.contentLength] != "0")
        let missing = try await ask("/nothing", method: .head)
        #expect(missing.status == .notFound && missing.body.readableBytes == 0)
        #expect(missing.headers[.contentType] == "application/problem+json")
    }

    @Test func everyAnswerHasTheSecurityHeaders() async throws {
        for uri in ["/healthz", "/nothing", "/api/v1/twins?x=1", "/metrics"] {
            let headers = try await ask(uri).headers
            #expect(headers[.xContentTypeOptions] == "nosniff" && headers[.cacheControl] == "no-store", "\(uri)")
            #expect(headers[.accessControlAllowOrigin] == nil, "\(uri)")
        }
    }

    @Test func aDatabaseThatIsAwayIs503WithRetryAfter() async throws {
        for uri in [
            "/api/v1/twins", "/api/v1/twins/ns:a", "/api/v1/twins/ns:a/history?path=/attributes/a",
            "/api/v1/topologies",
        ] {
            let response = try await ask(uri)
            #expect(response.status == .serviceUnavailable, "\(uri)")
            #expect(response.headers[.retryAfter] == "2", "\(uri)")
            #expect(!response.text.contains("127.0.0.1"), "hosts stay in the log")
        }
    }

    @Test func readinessSaysThatTheDatabaseIsAway() async throws {
        let response = try await ask("/readyz")
        #expect(response.status == .serviceUnavailable)
        let answer = try JSONParser().parse(Array(buffer: response.body))
        #expect(answer["status"] == .string("not ready"))
        #expect(answer["checks"]?.array?.first?["name"] == .string("postgres"))
        #expect(answer["checks"]?.array?.first?["state"] == .string("waiting"))
    }

    @Test(arguments: [
        "/api/v1/twins/nocolon", "/api/v1/twins/ns%3Aa%ff", "/api/v1/twins/%", "/api/v1/twins/ns:a?field=thingId",
        "/api/v1/twins/ns:a?fields=a(", "/api/v1/twins?limit=0", "/api/v1/twins?limit=1001", "/api/v1/twins?cursor=abc",
        "/api/v1/twins?namespace=", "/api/v1/topologies?x=1", "/api/v1/twins/ns:a/history",
        "/api/v1/twins/ns:a/history?path=temperature", "/api/v1/twins/ns:a/history?path=/a~7",
        "/api/v1/twins/ns:a/history?path=/a&aggregate=min",
        "/api/v1/twins/ns:a/history?path=/a&interval=1m&aggregate=median",
        "/api/v1/twins/ns:a/history?path=/a&interval=1y", "/api/v1/twins/ns:a/history?path=/a&format=xml",
        "/api/v1/twins/ns:a/history?path=/a&limit=10001",
        "/api/v1/twins/ns:a/history?path=/a&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/api/v1/twins/ns:a/history?path=/a&from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/api/v1/twins/ns:a/history?path=/a&from=0&to=1767225600000&interval=1s",
    ])
    func badParametersAreRefusedBeforeTheDatabaseIsAsked(uri: String) async throws {
        let response = try await ask(uri)
        #expect(response.status == .badRequest)
        let problem = try JSONParser().parse(Array(buffer: response.body))
        #expect(problem["errors"]?.array?.isEmpty == false)
    }

    @Test func tooManyIntervalsSayWhichIntervalFits() async throws {
        let uri = "/api/v1/twins/ns:a/history?path=/a&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&interval=1s"
        let text = try await ask(uri).text
        #expect(text.contains("2678400 intervals") && text.contains("interval=5m"))
    }

    @Test func longTargetsAreRefused() async throws {
        let response = try await ask("/api/v1/twins?namespace=" + String(repeating: "a", count: 9000))
        #expect(response.status == .uriTooLong)
    }

    @Test func requestsAreCountedByRouteAndStatus() async throws {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let server = APIServer(configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: TestAPI.quiet)
        let text = try await server.application().test(.router) { client in
            try await client.execute(uri: "/healthz", method: .get)
            try await client.execute(uri: "/api/v1/twins/nocolon", method: .get)
            try await client.execute(uri: "/secret/path", method: .get)
            return try await client.execute(uri: "/metrics", method: .get).text
        }
        #expect(text.contains(#"egiz_http_requests_total{route="/healthz",status="200"} 1"#))
        #expect(text.contains(#"egiz_http_requests_total{route="/api/v1/twins/{thingId}",status="400"} 1"#))
        #expect(text.contains(#"egiz_http_requests_total{route="none",status="404"} 1"#))
        #expect(text.contains(#"egiz_http_request_duration_seconds_count{route="/healthz"} 1"#))
        #expect(!text.contains("secret"))
    }

    @Test(
        arguments: [
            (nil, true), ("", true), ("localhost", true), ("LOCALHOST:8080", true), ("a.localhost:1", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true), ("192.168.1.5", true), ("evil.example", false), ("evil.example:8080", false),
            ("localhost.evil.example", false),
        ] as [(String?, Bool)])
    func onlyLocalNamesAndAddressesAreOurs(authority: String?, isOurs: Bool) {
        #expect(HostName.isOurs(authority) == isOurs)
    }

    @Test func entityTagsAreComparedWeakly() {
        let tag = EntityTag(revision: 7)
        for header in [#""rev:7""#, #"W/"rev:7""#, "*", #""a", "rev:7" ,"b""#] {
            #expect(tag.matches([header]), "\(header)")
        }
        for header in [#""rev:70""#, "rev:7", "", #""rev:6", "rev:8""#] { #expect(!tag.matches([header]), "\(header)") }
    }
}
