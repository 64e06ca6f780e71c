import EgizTwin
import HTTPTypes
import Hummingbird

/// `GET /openapi.json`, the contract of the API, and `GET /docs`, the same for people.
enum DocumentRoutes {
    static var routes: [APIRoute] {
        [
            APIRoute("/openapi.json", access: .everyone, handler: document),
            APIRoute("/docs", access: .everyone, handler: page),
        ]
    }

    /// Made when it is first asked for; the same for as long as the program runs.
    private static let html = DocumentPage.html(OpenAPIText.json)

    private static func document(_ request: APIRequest) throws -> Response {
        try request.reader(known: []).finish()
        return .content(OpenAPIText.json.utf8, type: "application/json")
    }

    private static func page(_ request: APIRequest) throws -> Response {
        try request.reader(known: []).finish()
        return .content(
            html, type: "text/html; charset=utf-8",
            headers: [
                .contentSecurityPolicy:
                    "default-src 'none'; style-src '\(DocumentStyle.hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ])
    }
}
