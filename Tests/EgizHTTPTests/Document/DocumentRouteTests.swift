import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

@Suite struct DocumentRouteTests {
    private func ask(_ uri: String) async throws -> TestResponse {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration(demand: .required)
        let server = APIServer(configuration: configuration, pool: pool, lag: nil, logger: TestAPI.quiet)
        return try await server.application().test(.router) { try await $0.execute(uri: uri, method: .get) }
    }

    @Test func theDocumentIsServedToEverybody() async throws {
        let response = try await ask("/openapi.json")
        #expect(response.status == .ok && response.headers[.contentType] == "application/json")
        let document = try JSONParser().parse(Array(buffer: response.body))
        let file = try OpenAPIContract().document
        #expect(document["paths"]?["/api/v1/live"] != nil && document == file)
    }

    @Test func thePageNeedsNothingFromElsewhereAndRunsNothing() async throws {
        let response = try await ask("/docs")
        #expect(response.headers[.contentType] == "text/html; charset=utf-8")
        let policy = try #require(response.headers[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"))
        let text = response.text
        for word in ["<script", "http-equiv", " src=", "@import", "url(", " onclick"] {
            #expect(!text.contains(word), "\(word)")
        }
        // Links lead within the page or to the document, none elsewhere.
        for link in text.matches(of: #/href="([^"]*)"/#).map({ String($0.1) }) {
            #expect(link.hasPrefix("#") || link == "/openapi.json", "\(link)")
        }
        for operation in try OpenAPIContract().operations {
            #expect(text.contains("<code>\(operation.path)</code>"), "\(operation.path)")
        }
    }

    @Test func whatTheDocumentSaysCannotBecomeMarkup() {
        let page = DocumentPage.html(
            #"{"info":{"title":"<b>\"&"},"paths":{"/<i>":{"get":{"tags":["<u>"],"summary":"</summary><script>"}}}}"#)
        let text = String(decoding: page, as: UTF8.self)
        #expect(text.contains("&lt;b&gt;&quot;&amp;") && text.contains("&lt;/summary&gt;&lt;script&gt;"))
        #expect(!text.contains("<script>") && !text.contains("<i>") && !text.contains("<u>"))
    }
}
