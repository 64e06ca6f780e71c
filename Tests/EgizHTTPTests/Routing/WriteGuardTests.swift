import EgizPostgres
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

/// Pages of other sites must not write through a browser on this machine. The pool of these tests has no database: what gets past
/// the guard is answered with 503.
@Suite struct WriteGuardTests {
    private func send(
        _ uri: String = "/api/v1/dead-letters/redrive", method: HTTPRequest.Method = .post, headers: HTTPFields,
        body: String = #"{"action":"retry","ids":[1]}"#
    ) async throws -> TestResponse {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let server = APIServer(configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: TestAPI.quiet)
        return try await server.application().test(.router) {
            try await $0.execute(uri: uri, method: method, headers: headers, body: ByteBuffer(string: body))
        }
    }

    private static let json: HTTPFields = [.contentType: "application/json"]

    /// The three types that a form can send, and none at all.
    @Test(arguments: [
        nil, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ])
    func whatAFormCanSendIsRefused(type: String?) async throws {
        var headers: HTTPFields = [:]
        headers[.contentType] = type
        #expect(try await send(headers: headers).status == .unsupportedMediaType)
        #expect(
            try await send("/api/v1/dead-letters/1", method: .patch, headers: headers).status == .unsupportedMediaType)
    }

    @Test(arguments: ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
    func jsonPasses(type: String) async throws {
        #expect(try await send(headers: [.contentType: type]).status == .serviceUnavailable)
    }

    @Test(arguments: [
        "http://evil.example", "null", "http://localhost:1", "https://localhost:1", "http://localhost.evil.example",
        "ftp://localhost",
    ])
    func otherOriginsAreRefused(origin: String) async throws {
        var headers = Self.json
        headers[.origin] = origin
        #expect(try await send(headers: headers).status == .forbidden)
    }

    @Test func theOwnOriginPassesAndABrowsersWordForAnotherSiteDoesNot() async throws {
        var headers = Self.json
        // With TLS where a proxy before us speaks it.
        for origin in ["https://localhost", "http://localhost"] {
            headers[.origin] = origin
            #expect(try await send(headers: headers).status == .serviceUnavailable)
        }
        headers[try #require(HTTPField.Name("sec-fetch-site"))] = "cross-site"
        #expect(try await send(headers: headers).status == .forbidden)
    }

    @Test func aBodyBeyondTheBoundIsRefused() async throws {
        let large = String(repeating: " ", count: 1 << 20) + "{}"
        #expect(try await send(headers: Self.json, body: large).status == .contentTooLarge)
    }

    @Test func readingAWritingPathSaysWhatIsAllowed() async throws {
        let response = try await send(method: .get, headers: [:], body: "")
        #expect(response.status == .methodNotAllowed && response.headers[.allow] == "POST")
        let letter = try await send("/api/v1/dead-letters/1", method: .put, headers: Self.json)
        #expect(letter.status == .methodNotAllowed && letter.headers[.allow] == "GET, HEAD, PATCH")
    }

    @Test(arguments: [
        "", "[]", #"{"ids":[1]}"#, #"{"action":"retry"}"#, #"{"action":"retry","ids":[]}"#,
        #"{"action":"retry","ids":[0]}"#, #"{"action":"retry","ids":["1"]}"#, #"{"action":"drop","ids":[1]}"#,
        #"{"action":"retry","ids":[1],"thing":"a:b"}"#, #"{"action":"retry","thing":"nocolon"}"#,
        #"{"action":"retry","ids":[1],"code":"json"}"#, #"{"action":"retry","ids":[1],"rate":0}"#,
        #"{"action":"retry","ids":[1],"dryRun":"no"}"#, #"{"action":"retry","ids":[1],"dryrun":false}"#,
        #"{"action":"discard","topology":"line","code":null}"#, #"{"action":"discard","ids":[1],"thing":null}"#,
        #"{"action":"discard","ids":[1],"dryRun":null}"#,
    ])
    func ordersThatAreNotClearAreRefused(body: String) async throws {
        #expect(try await send(headers: Self.json, body: body).status == .badRequest, "\(body)")
    }

    @Test func nothingIsDoneUnlessTheOrderSaysSo() throws {
        #expect(try RedriveOrder(parsing: Array(#"{"action":"discard","ids":[1]}"#.utf8)).isDryRun)
        #expect(try !RedriveOrder(parsing: Array(#"{"action":"discard","ids":[1],"dryRun":false}"#.utf8)).isDryRun)
    }
}
