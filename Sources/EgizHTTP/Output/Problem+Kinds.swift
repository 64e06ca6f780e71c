import EgizCore
import HTTPTypes

extension Problem {
    /// One or more bad parameters, and how many more there are that are not told one by one.
    static func parameters(_ faults: [Fault], more: Int = 0) -> Problem {
        let detail =
            faults.count == 1
            ? faults[0].detail
            : "\(faults.count) parameters\(more > 0 ? " and \(more) more" : "") are not usable; see errors."
        return Problem(
            code: "parameter", status: .badRequest, title: "A parameter is not usable", detail: detail, faults: faults)
    }

    static func parameter(_ name: String, _ detail: String) -> Problem {
        parameters([Fault(parameter: name, detail: detail)])
    }

    static func noSuchPath(nearest: String?) -> Problem {
        let hint = nearest.map { " Did you mean \($0)?" } ?? " The paths are listed in Schemas/openapi.yaml."
        return Problem(
            code: "not-found", status: .notFound, title: "No such path", detail: "Nothing answers at this path.\(hint)")
    }

    static func noSuchTwin(_ thing: String) -> Problem {
        Problem(
            code: "twin-not-found", status: .notFound, title: "No such twin",
            detail: "There is no twin \(thing), or it was deleted. GET /api/v1/twins lists those that exist.")
    }

    static func method(_ method: String, allowed: String) -> Problem {
        Problem(
            code: "method", status: .methodNotAllowed, title: "The method is not allowed here",
            detail: "\(method) is not answered at this path; allowed: \(allowed).", headers: [.allow: allowed])
    }

    static func targetTooLong(limit: Int) -> Problem {
        Problem(
            code: "uri-too-long", status: .uriTooLong, title: "The URL is too long",
            detail: "Path and query have more than \(limit) bytes; ask for fewer fields or things at a time.")
    }

    static let host = Problem(
        code: "host", status: .misdirectedRequest, title: "The host name is not ours",
        detail: """
            The API listens on loopback and answers to localhost and to IP addresses only, so that a web page cannot \
            reach it under a name of its own.
            """)

    static func mediaType(_ accepted: [String]) -> Problem {
        Problem(
            code: "media-type", status: .unsupportedMediaType, title: "The content type is not taken here",
            detail: "Send the body with content-type: \(accepted.joined(separator: " or ")).")
    }

    static let origin = Problem(
        code: "origin", status: .forbidden, title: "The request comes from another site",
        detail: """
            A web page of another origin may not change anything here. Programs leave the header Origin out; pages must be \
            served from the API's own address.
            """)

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            code: "body-too-large", status: .contentTooLarge, title: "The body is too large",
            detail: "The body has more than \(limit) bytes.")
    }

    static let bodyBrokenOff = Problem(
        code: "body-broken-off", status: .badRequest, title: "The body ended too early",
        detail: "The connection ended before the whole body had come.")

    static func noSuchLetter(_ id: Int64) -> Problem {
        Problem(
            code: "dead-letter-not-found", status: .notFound, title: "No such dead letter",
            detail: "There is no dead letter \(id): it was processed, discarded, or never existed.")
    }

    static func noSuchRedrive(_ id: Int64) -> Problem {
        Problem(
            code: "redrive-not-found", status: .notFound, title: "No such redrive",
            detail: "There is no redrive request \(id).")
    }

    /// The edit or the dry run cannot be done; the engine's words are about the record or the topology, and for people.
    static func refusedEdit(_ detail: String) -> Problem {
        Problem(
            code: "edit-refused", status: .unprocessableContent, title: "The edit is not possible", detail: "\(detail)."
        )
    }

    static func noRehearsal(_ detail: String) -> Problem {
        Problem(
            code: "no-rehearsal", status: .conflict, title: "The stage is not known here", detail: "\(detail).")
    }

    static let deadline = Problem(
        code: "deadline", status: .serviceUnavailable, title: "The answer took too long",
        detail: "The database did not answer in time. Ask for a shorter range, or try again.",
        headers: [.retryAfter: "5"])

    static let internalError = Problem(
        code: "internal", status: .internalServerError, title: "Something is broken in the engine",
        detail: "The request could not be answered because of an error on our side; the log has the details.")

    static let databaseAway = Problem(
        code: "database", status: .serviceUnavailable, title: "The database is not reachable",
        detail: "Postgres does not answer at the moment; /readyz says why. Try again in a few seconds.",
        headers: [.retryAfter: "2"])

    /// What the API says of an error of the engine. The engine's own words stay in the log: they name hosts and settings.
    init(_ error: EngineError) {
        switch (error.detail, error.retry) {
        case ("57014", _): self = .deadline
        case ("22003", _):
            self = Problem(
                code: "overflow", status: .unprocessableContent, title: "The numbers are too large to be summed",
                detail: "The sum of the samples exceeds float8. Ask for min, max, count, first and last only.")
        case (_, .backoff): self = .databaseAway
        case (_, .never), (_, .stop): self = .internalError
        }
    }
}
