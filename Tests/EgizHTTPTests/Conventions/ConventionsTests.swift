import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

/// What every answer has, asked without a database.
@Suite struct ConventionsTests {
    private func ask(
        _ uri: String, method: HTTPRequest.Method = .get, headers: HTTPFields = [:], cors: CORSPolicy = .none
    ) async throws -> TestResponse {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        var configuration = APIConfiguration(port: 0)
        configuration.cors = cors
        let server = APIServer(configuration: configuration, pool: pool, lag: nil, logger: TestAPI.quiet)
        return try await server.application().test(.router) {
            try await $0.execute(uri: uri, method: method, headers: headers)
        }
    }

    // MARK: Request ids

    @Test func aRequestKeepsTheNameThatItCameWithAndOthersGetOne() async throws {
        let named = try await ask("/nothing", headers: [.requestID: "abc-1.2_3"])
        #expect(named.headers[.requestID] == "abc-1.2_3")
        #expect(try JSONParser().parse(Array(buffer: named.body))["requestId"] == .string("abc-1.2_3"))
        let first = try await ask("/healthz").headers[.requestID]
        let second = try await ask("/healthz").headers[.requestID]
        #expect(first != second && first?.utf8.count == 32)
    }

    @Test(arguments: ["", "a b", "a\"b", "ä", String(repeating: "a", count: 129)])
    func namesThatCouldForgeALogLineAreReplaced(name: String) {
        #expect(!RequestID.isUsable(name))
        #expect(RequestID.of([.requestID: name]) != name)
    }

    @Test func problemsHaveAStableCode() async throws {
        let problem = try JSONParser().parse(Array(buffer: try await ask("/api/v1/twins?limit=0").body))
        #expect(problem["code"] == .string("parameter") && problem["type"] == .string("urn:egiz:problem:parameter"))
        #expect(problem["errors"]?.array?.first?["parameter"] == .string("limit"))
    }

    // MARK: CORS

    private let cors = CORSPolicy(origins: ["https://app.example"])

    @Test func pagesOfTheListMayReadAndAskBefore() async throws {
        let answer = try await ask("/healthz", headers: [.origin: "https://app.example"], cors: cors)
        #expect(answer.headers[.accessControlAllowOrigin] == "https://app.example")
        #expect(answer.headers[.vary]?.contains("Origin") == true)
        #expect(answer.headers[.crossOriginResourcePolicy] == "cross-origin")
        #expect(answer.headers[.accessControlAllowCredentials] == nil, "no cookies, ever")
        let preflight = try await ask(
            "/api/v1/dead-letters/redrive", method: .options,
            headers: [.origin: "https://app.example", .accessControlRequestMethod: "POST"], cors: cors)
        #expect(preflight.status == .noContent)
        #expect(preflight.headers[.accessControlAllowMethods] == "POST")
        #expect(preflight.headers[.accessControlAllowHeaders]?.contains("Authorization") == true)
        #expect(preflight.headers[.accessControlAllowOrigin] == "https://app.example")
    }

    @Test(arguments: [
        "https://evil.example", "http://app.example", "https://app.example.evil", "null", "https://APP.example:443",
    ])
    func otherPagesMayNot(origin: String) async throws {
        let answer = try await ask("/healthz", headers: [.origin: origin], cors: cors)
        #expect(answer.headers[.accessControlAllowOrigin] == nil)
        #expect(answer.headers[.crossOriginResourcePolicy] == "same-origin")
        let preflight = try await ask(
            "/healthz", method: .options, headers: [.origin: origin, .accessControlRequestMethod: "GET"], cors: cors)
        #expect(preflight.status == .methodNotAllowed && preflight.headers[.accessControlAllowMethods] == nil)
    }

    @Test func theListIsReadAndNonsenseInItRefused() throws {
        let policy = try CORSPolicy(parsing: " https://A.example ,http://localhost:3000,")
        #expect(policy.origins == ["https://a.example", "http://localhost:3000"])
        for text in ["*", "app.example", "https://", "https://a.example/", "https://a.example/x", "ftp://a"] {
            #expect(throws: (any Error).self, "\(text)") { try CORSPolicy(parsing: text) }
        }
    }

    // MARK: Compression

    @Test func answersAboveAKilobyteAreCompressedForWhoTakesIt() async throws {
        let plain = try await ask("/openapi.json")
        let packed = try await ask("/openapi.json", headers: [.acceptEncoding: "br, gzip"])
        #expect(plain.headers[.contentEncoding] == nil && plain.headers[.vary]?.contains("Accept-Encoding") == true)
        #expect(packed.headers[.contentEncoding] == "gzip")
        #expect(packed.headers[.contentLength] == "\(packed.body.readableBytes)")
        #expect(packed.body.readableBytes * 3 < plain.body.readableBytes)
        #expect(try GzipReader.read(Array(buffer: packed.body)) == Array(buffer: plain.body))
        let small = try await ask("/healthz", headers: [.acceptEncoding: "gzip"])
        #expect(small.headers[.contentEncoding] == nil)
        let head = try await ask("/openapi.json", method: .head, headers: [.acceptEncoding: "gzip"])
        #expect(head.body.readableBytes == 0 && head.headers[.contentEncoding] == nil)
    }

    @Test(
        arguments: [
            (["gzip"], true), (["GZIP;q=0.5"], true), (["br, gzip ;q=1.0"], true), (["*"], true), ([], false),
            (["identity"], false), (["gzip;q=0"], false), (["*;q=0"], false), (["*", "gzip;q=0.0"], false),
            (["gzip;q=x"], false),
        ] as [([String], Bool)])
    func whatIsAcceptedIsReadAsTheStandardSays(values: [String], isAccepted: Bool) {
        #expect(Gzip.isAccepted(values) == isAccepted)
    }

    // MARK: Preconditions

    private func request(_ headers: HTTPFields) -> APIRequest {
        APIRequest(path: "/x", query: nil, headers: headers, captures: [:])
    }

    @Test(
        arguments: [
            ([.ifMatch: #""rev:3""#], 3, nil), ([.ifMatch: "*"], 3, nil), ([.ifMatch: #""rev:2", "rev:3""#], 3, nil),
            ([.ifMatch: #"W/"rev:3""#], 3, 412), ([.ifMatch: #""rev:4""#], 3, 412), ([:], 3, 428),
            ([.ifMatch: #""rev:3""#], nil, 412), ([:], nil, nil), ([.ifNoneMatch: "*"], nil, nil),
            ([.ifNoneMatch: "*"], 3, 412), ([.ifNoneMatch: #""rev:3""#], 3, 412),
            ([.ifNoneMatch: #""rev:2""#], 3, 428), ([.ifMatch: #""rev:2""#, .ifNoneMatch: #""rev:9""#], 3, 412),
            ([.ifMatch: #""rev:3""#, .ifNoneMatch: #""rev:2""#], 3, nil),
            ([.ifMatch: #""rev:3""#, .ifNoneMatch: "*"], 3, 412),
        ] as [(HTTPFields, Int64?, Int?)])
    func aChangeSaysWhatItChanges(headers: HTTPFields, current: Int64?, status: Int?) {
        do throws(Problem) {
            try request(headers).precondition(current: current.map { EntityTag(revision: $0) })
            #expect(status == nil)
        } catch {
            #expect(error.status.code == status)
            if current != nil { #expect(error.headers[.eTag] == #""rev:3""#) }
        }
    }

    // MARK: Bodies

    @Test func everyFaultOfABodyIsNamedByItsPlace() throws {
        var request = request([:])
        request.body = Array(
            #"{"name":"","nmae":1,"count":0,"on":"yes","tags":["a",7],"inner":{"x":1},"list":[{"deep":"a"},3]}"#.utf8)
        do throws(Problem) {
            _ = try request.body(known: ["name", "count", "on", "tags", "inner", "list", "thing"]) { reader in
                _ = reader.requiredText("name")
                _ = reader.integer("count", in: 1...5)
                _ = reader.bool("on")
                _ = reader.texts("tags", count: 1...9)
                _ = reader.object("inner", known: []) { _ in 0 }
                _ = reader.objects("list", count: 1...9, known: ["deep"]) { $0.number("deep") }
                reader.require("thing")
            }
            Issue.record("it is not usable")
        } catch {
            #expect(error.code == "invalid-body" && error.status == .badRequest)
            #expect(
                error.faults.map(\.place) == [
                    "/nmae", "/name", "/count", "/on", "/tags/1", "/inner/x", "/list/0/deep", "/list/1", "/thing",
                ])
            let document = try JSONParser().parse(error.document(instance: "/x"))
            #expect(document["errors"]?.array?.first?["detail"]?.string?.contains("Did you mean name?") == true)
            #expect(document["errors"]?.array?.first?["pointer"] == .string("/nmae"))
        }
    }

    /// Or an answer would be many times as long as the body that it is about.
    @Test(
        arguments: [
            ("{", #""u":1"#, "}"), (#"{"tags":["#, "7", "]}"), (#"{"list":["#, "3", "]}"),
            (#"{"list":["#, #"{"x":1,"deep":"a"}"#, "]}"),
        ])
    func oneAnswerNamesABoundedNumberOfFaults(head: String, fault: String, tail: String) {
        var request = request([:])
        // Names have to differ.
        let faults = (0..<50).map { fault.replacing("u", with: "u\($0)") }
        request.body = Array((head + faults.joined(separator: ",") + tail).utf8)
        do throws(Problem) {
            _ = try request.body(known: ["tags", "list"]) { reader in
                _ = reader.texts("tags", count: 1...99)
                _ = reader.objects("list", count: 1...99, known: ["deep"]) { $0.number("deep") }
            }
            Issue.record("it is not usable")
        } catch {
            #expect(error.faults.count == BodyReader.mostFaults)
            #expect(error.detail.hasPrefix("At least 20 members"))
        }
    }

    @Test(arguments: ["", "[]", "7", "{", #"{"a":1e999}"#])
    func whatIsNoObjectIsRefused(text: String) {
        var request = request([:])
        request.body = Array(text.utf8)
        #expect(throws: Problem.self) { try request.body(known: ["a"]) { _ in 0 } }
    }

    @Test func aUsableBodyIsRead() throws {
        var request = request([:])
        request.body = Array(#"{"name":"a","count":3,"on":null,"thing":"a:b","list":[{"deep":0.5},{"deep":2}]}"#.utf8)
        let (name, count, on, thing, list) = try request.body(known: ["name", "count", "on", "thing", "list"]) {
            reader in
            (
                reader.requiredText("name"), reader.integer("count", in: 1...5), reader.isNull("on"),
                reader.thing("thing"),
                reader.objects("list", count: 0...9, known: ["deep"]) { $0.number("deep") }
            )
        }
        #expect(name == "a" && count == 3 && on && thing?.text == "a:b" && list == [0.5, 2])
    }
}
