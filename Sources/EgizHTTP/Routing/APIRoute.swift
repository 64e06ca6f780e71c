import HTTPTypes
import Hummingbird

/// One path of the API and what answers it: with GET and HEAD, or with a method that writes.
struct APIRoute: Sendable {
    /// What a request that writes may send.
    struct Writing: Sendable {
        var method: HTTPRequest.Method
        /// Media types of the body. None that a form of a web page can send (`WriteGuard`).
        var accepts: [String]
        /// Bytes of the body at most.
        var largest: Int
    }

    /// The template, such as `/api/v1/twins/{thingId}`; the name under which metrics count it, too.
    var path: String
    /// The query parameters it takes.
    var parameters: [String]
    /// Nil: it is read.
    var writing: Writing?
    var handler: @Sendable (APIRequest) async throws -> Response

    init(
        _ path: String, parameters: [String] = [], writing: Writing? = nil,
        handler: @escaping @Sendable (APIRequest) async throws -> Response
    ) {
        self.path = path
        self.parameters = parameters
        self.writing = writing
        self.handler = handler
    }

    func answers(_ method: HTTPRequest.Method) -> Bool {
        if let writing { return method == writing.method }
        return method == .get || method == .head
    }
}
