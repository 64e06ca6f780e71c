import HTTPTypes

/// Keeps web pages of other sites from writing through a browser on this machine: on loopback who asks without credentials is
/// the local operator.
///
/// Two locks, either of which is enough: a body of a type that no form can send, so that a browser asks first (and is not
/// answered), and no `Origin` but our own and those on the list of `CORSPolicy`.
enum WriteGuard {
    static func check(_ head: HTTPRequest, _ writing: APIRoute.Writing, cors: CORSPolicy = .none) throws(Problem) {
        if cors.allowed(head.headerFields) == nil {
            if let origin = head.headerFields[.origin], !isOwn(origin, head.authority) { throw .origin }
            if let site = head.headerFields[.secFetchSite], site != "same-origin", site != "none" { throw .origin }
        }
        if writing.accepts.isEmpty { return }
        let type = head.headerFields[.contentType].flatMap { mediaType($0) }
        guard let type, writing.accepts.contains(type) else { throw .mediaType(writing.accepts) }
    }

    /// `http://127.0.0.1:8080` for a request to `127.0.0.1:8080`, and `https://…` too: before us may stand a proxy with TLS, on the same
    /// host. `null`, as sandboxed pages and files send it, is foreign.
    static func isOwn(_ origin: String, _ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return false }
        let (page, host) = (origin.lowercased(), authority.lowercased())
        return page == "http://\(host)" || page == "https://\(host)"
    }

    /// Without parameters, in small letters.
    private static func mediaType(_ value: String) -> String? {
        value.split(separator: ";", omittingEmptySubsequences: false).first?
            .trimmingPrefix { $0 == " " }.split(separator: " ").first?.lowercased()
    }
}
