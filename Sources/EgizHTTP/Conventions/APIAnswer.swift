import HTTPTypes
import Hummingbird

/// The answer to a change, small enough to be kept for an idempotency key.
struct APIAnswer: Sendable, Equatable {
    var status: HTTPResponse.Status = .ok
    /// JSON; nil: the answer has no body.
    var body: [UInt8]?
    var eTag: String?
    /// Path of what was made.
    var location: String?
    /// It was given before, for the same key.
    var isReplayed = false

    static func json(
        _ body: [UInt8], status: HTTPResponse.Status = .ok, eTag: EntityTag? = nil, location: String? = nil
    ) -> APIAnswer {
        APIAnswer(status: status, body: body, eTag: eTag?.text, location: location)
    }

    static func created(_ body: [UInt8], at location: String, eTag: EntityTag? = nil) -> APIAnswer {
        json(body, status: .created, eTag: eTag, location: location)
    }

    /// 204.
    static let nothing = APIAnswer(status: .noContent)

    var response: Response {
        var headers: HTTPFields = [:]
        headers[.eTag] = eTag
        headers[.location] = location
        if isReplayed { headers[.idempotencyReplayed] = "true" }
        guard let body else { return Response(status: status, headers: headers) }
        return .content(body, type: "application/json", status: status, headers: headers)
    }
}
