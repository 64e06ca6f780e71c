import HTTPTypes
import Hummingbird

/// One path of the API and what answers it: with GET and HEAD, or with a method that writes.
struct APIRoute: Sendable {
    /// What a request that writes may send.
    struct Writing: Sendable {
        var method: HTTPRequest.Method
        /// Media types of the body. None that a form of a web page can send (`WriteGuard`). Empty: there is no body, and no content type
        /// is asked for.
        var accepts: [String]
        /// Bytes of the body at most.
        var largest: Int
        /// A POST with an `Idempotency-Key` happens once. False where nothing may be kept of body or answer, because they have secrets:
        /// a key there is refused, not ignored.
        var takesKeys = true

        /// A JSON body of at most `largest` bytes.
        static func json(_ method: HTTPRequest.Method, largest: Int = 1 << 20, takesKeys: Bool = true) -> Writing {
            Writing(method: method, accepts: ["application/json"], largest: largest, takesKeys: takesKeys)
        }

        /// Without a body, as most of DELETE.
        static func bodyless(_ method: HTTPRequest.Method, takesKeys: Bool = true) -> Writing {
            Writing(method: method, accepts: [], largest: 0, takesKeys: takesKeys)
        }

        func check(keyOf headers: HTTPFields) throws(Problem) {
            guard !takesKeys, method == .post, headers[.idempotencyKey] != nil else { return }
            throw .header(
                "Idempotency-Key", "What is sent or answered here is secret, so nothing of it is kept: it takes no key."
            )
        }
    }

    /// The template, such as `/api/v1/twins/{thingId}`; the name under which metrics count it, too.
    var path: String
    /// Who may use it.
    var access: Access
    /// The query parameters it takes.
    var parameters: [String]
    /// Nil: it is read.
    var writing: Writing?
    /// What can be told without the body, where `access` alone does not decide: throws for who may not.
    var beforeBody: (@Sendable (APIRequest) async throws -> Void)?
    var handler: @Sendable (APIRequest) async throws -> Response

    init(
        _ path: String, access: Access, parameters: [String] = [], writing: Writing? = nil,
        beforeBody: (@Sendable (APIRequest) async throws -> Void)? = nil,
        handler: @escaping @Sendable (APIRequest) async throws -> Response
    ) {
        precondition(
            access.capture.map { path.contains("{\($0)}") } ?? true,
            "\(path) has no {\(access.capture ?? "")} to decide by")
        self.path = path
        self.access = access
        self.parameters = parameters
        self.writing = writing
        self.beforeBody = beforeBody
        self.handler = handler
    }

    func answers(_ method: HTTPRequest.Method) -> Bool {
        if let writing { return method == writing.method }
        return method == .get || method == .head
    }
}
