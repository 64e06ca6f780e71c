import HTTPTypes

extension APIRequest {
    /// Holds a change to what the client has seen (RFC 9110, 13; RFC 6585).
    ///
    /// Call it inside the transaction of the change, with the row locked, so that nobody comes in between.
    /// - Parameter current: the tag of what is there now; nil where nothing is, which a PUT may create without `If-Match`.
    /// - Throws: 428 where something is there and `If-Match` is missing; 412 where it names another version, or where
    ///   `If-None-Match: *` meets something.
    func precondition(current: EntityTag?) throws(Problem) {
        let ifMatch = headers[values: .ifMatch]
        let ifNoneMatch = headers[values: .ifNoneMatch]
        guard let current else {
            if !ifMatch.isEmpty { throw .preconditionFailed(current: nil) }
            return
        }
        // `If-Match` first (RFC 9110, 13.2.2); that something else than a version is there does not say which one is changed.
        if !ifMatch.isEmpty {
            guard current.isNamed(by: ifMatch) else { throw .preconditionFailed(current: current) }
        }
        guard !current.matches(ifNoneMatch) else { throw .preconditionFailed(current: current) }
        guard !ifMatch.isEmpty else { throw .preconditionRequired(current: current) }
    }
}

extension Problem {
    static func preconditionRequired(current: EntityTag) -> Problem {
        Problem(
            code: "precondition-required",
            status: HTTPResponse.Status(code: 428, reasonPhrase: "Precondition Required"),
            title: "The change does not say what it changes",
            detail: """
                Send If-Match with the ETag that a GET of this path gave, so that a change of somebody else is not overwritten; \
                If-Match: * changes whatever is there.
                """, headers: [.eTag: current.text])
    }

    static func preconditionFailed(current: EntityTag?) -> Problem {
        Problem(
            code: "precondition-failed", status: .preconditionFailed, title: "It has changed meanwhile",
            detail: current == nil
                ? "If-Match names a version, but there is nothing at this path."
                : "What is there now has another version than the request asks for. Read it again, then repeat the change.",
            headers: current.map { [.eTag: $0.text] } ?? [:])
    }
}
