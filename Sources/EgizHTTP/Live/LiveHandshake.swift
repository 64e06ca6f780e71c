import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Which requests become WebSockets, and as whom.
///
/// The token comes in `Authorization`, as a subprotocol (`egiz.v1, egiz.token.<token>`, for browsers, which can set no header), or in the
/// first message; never in the URL, which proxies and logs keep. A browser's page must be ours or on the list of `CORSPolicy`: else any
/// page could open a socket to this machine.
struct LiveHandshake: Sendable {
    static let path = "/api/v1/live"
    static let subprotocol = "egiz.v1"
    private static let tokenPrefix = "egiz.token."

    let service: LiveService
    let cors: CORSPolicy
    /// The server is reached under names of its own.
    let isOutside: Bool
    let trustedProxies: Set<String>

    /// The headers of the answer; nil: it is not to be a WebSocket, and is answered as any request, which says why.
    func headers(_ head: HTTPRequestHead) -> HTTPHeaders? {
        guard Self.isMeant(head), isOutside || HostName.isOurs(head.headers.first(name: "host")),
            isOriginAllowed(head), Self.tokens(head).count <= 1
        else { return nil }
        var headers = HTTPHeaders()
        if Self.subprotocols(head).contains(Self.subprotocol) {
            headers.add(name: "Sec-WebSocket-Protocol", value: Self.subprotocol)
        }
        return headers
    }

    func credential(_ head: HTTPRequestHead, remoteAddress: String?) -> LiveCredential {
        var headers: HTTPFields = [:]
        for name in HTTPField.Name.passedOn {
            headers[values: name] = head.headers[name.canonicalName]
        }
        return LiveCredential(
            token: Self.tokens(head).first, headers: headers,
            remoteAddress: ClientAddress.of(remoteAddress, headers, trusted: trustedProxies))
    }

    private static func isMeant(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.uri.prefix { $0 != "?" } == path
    }

    private func isOriginAllowed(_ head: HTTPRequestHead) -> Bool {
        guard let origin = head.headers.first(name: "origin") else { return true }
        return cors.origins.contains(origin.lowercased())
            || WriteGuard.isOwn(origin, head.headers.first(name: "host"))
    }

    private static func subprotocols(_ head: HTTPRequestHead) -> [String] {
        head.headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
    }

    /// Every token that came; two are one too many.
    private static func tokens(_ head: HTTPRequestHead) -> [String] {
        let offered = subprotocols(head).filter { $0.hasPrefix(tokenPrefix) }.map {
            String($0.dropFirst(tokenPrefix.count))
        }
        let sent = head.headers["authorization"].compactMap { LiveCredential.token($0) }
        return offered + sent
    }
}
