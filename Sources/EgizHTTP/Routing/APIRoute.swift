import Hummingbird

/// One path of the API: what it is called with and what answers it. All are read with GET and HEAD.
struct APIRoute: Sendable {
    /// The template, such as `/api/v1/twins/{thingId}`; the name under which metrics count it, too.
    var path: String
    /// The query parameters it takes.
    var parameters: [String]
    var handler: @Sendable (APIRequest) async throws -> Response

    init(
        _ path: String, parameters: [String] = [], handler: @escaping @Sendable (APIRequest) async throws -> Response
    ) {
        self.path = path
        self.parameters = parameters
        self.handler = handler
    }
}
