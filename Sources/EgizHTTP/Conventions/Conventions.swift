import HTTPTypes
import Hummingbird

/// What all answers have in common, whatever the route.
struct Conventions: Sendable {
    var cors = CORSPolicy.none

    /// The answer as it goes out: named, protected, compressed where the client takes it, and without a body for HEAD.
    func dress(_ response: Response, request: HTTPRequest, requestID: String) async -> Response {
        var response = await Gzip.apply(response, request: request)
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = requestID
        cors.mark(&response.headers, request: request.headerFields)
        SecurityHeaders.set(&response)
        return response
    }
}
