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

        /// A JSON body of at most `largest` bytes.
        static func json(_ method: HTTPRequest.Method, largest: Int = 1 << 20) -> Writing {
            Writing(method: method, accepts: ["application/json"], largest: largest)
        }

        /// Without a body, as most of DELETE.
        static func bodyless(_ method: HTTPRequest.Method) -> Writing {
            Writing(method: method, accepts: [], largest: 0)
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
    var handler: @Sendable (APIRequest) async throws -> Response

    init(
        _ path: String, access: Access, parameters: [String] = [], writing: Writing? = nil,
        handler: @escaping @Sendable (APIRequest) async throws -> Response
    ) {
        precondition(
            access.capture.map { path.contains("{\($0)}") } ?? true,
            "\(path) has no {\(access.capture ?? "")} to decide by")
        self.path = path
        self.access = access
        self.parameters = parameters
        self.writing = writing
        self.handler = handler
    }

    func answers(_ method: HTTPRequest.Method) -> Bool {
        if let writing { return method == writing.method }
        return method == .get || method == .head
    }
}
