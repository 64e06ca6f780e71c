public import EgizCore
import HTTPTypes

/// Which web pages of other origins may use the API: those on a list, with a token of their own. None by default.
///
/// Credentials that a browser adds by itself are never allowed; the API has no cookies.
public struct CORSPolicy: Sendable, Equatable {
    /// Such as `https://app.example`: scheme, host and port, in small letters.
    let origins: Set<String>

    public static let none = CORSPolicy(origins: [])

    init(origins: Set<String>) { self.origins = origins }

    /// Reads `EGIZ_HTTP_CORS_ORIGINS`: origins with commas between them.
    ///
    /// Errors: `.config`/`.stop` for `*`, and for what is no origin.
    public init(parsing text: String) throws(EngineError) {
        var origins: Set<String> = []
        for part in text.split(separator: ",") {
            let origin = part.split(separator: " ").joined().lowercased()
            if origin.isEmpty { continue }
            guard Self.isOrigin(origin) else {
                throw EngineError(
                    .config, .stop,
                    "EGIZ_HTTP_CORS_ORIGINS names \(part); it takes origins such as https://app.example, without a path, and no *"
                )
            }
            origins.insert(origin)
        }
        self.init(origins: origins)
    }

    /// The origin of the request, where it is on the list.
    func allowed(_ headers: HTTPFields) -> String? {
        headers[.origin].flatMap { origins.contains($0.lowercased()) ? $0 : nil }
    }

    /// The headers of an answer to that origin. `Vary` is set whether or not the origin is allowed, so that no cache mixes them up.
    func mark(_ headers: inout HTTPFields, request: HTTPFields) {
        guard !origins.isEmpty else { return }
        headers.addVary("Origin")
        guard let origin = allowed(request) else { return }
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlExposeHeaders] = "ETag, Link, Location, Retry-After, X-Request-ID, Idempotency-Replayed"
        headers[.crossOriginResourcePolicy] = "cross-origin"
    }

    /// The answer to a browser that asks before it sends; nil where this is no such question.
    ///
    /// - Parameter methods: what the path answers.
    func preflight(_ request: HTTPRequest, methods: String) -> HTTPFields? {
        guard request.method == .options, request.headerFields[.accessControlRequestMethod] != nil,
            allowed(request.headerFields) != nil
        else { return nil }
        var headers: HTTPFields = [:]
        headers[.accessControlAllowMethods] = methods
        headers[.accessControlAllowHeaders] =
            "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Request-ID"
        headers[.accessControlMaxAge] = "600"
        return headers
    }

    private static func isOrigin(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            return !rest.isEmpty
                && rest.utf8.allSatisfy { byte in
                    byte > 0x20 && byte < 0x7F && !"/?#@*\\\"'".utf8.contains(byte)
                }
        }
        return false
    }
}

extension HTTPFields {
    /// Adds a name to `Vary`, once.
    mutating func addVary(_ name: String) {
        let present = self[.vary]
        if present?.split(separator: ",").contains(where: { $0.trimmingPrefix(" ").lowercased() == name.lowercased() })
            == true
        {
            return
        }
        self[.vary] = present.map { "\($0), \(name)" } ?? name
    }
}
