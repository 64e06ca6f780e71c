import HTTPTypes
import NIOCore

/// Who sent a request: the other end of the connection, or, where that is a proxy of ours, the address that the proxy names.
enum ClientAddress {
    /// The last hop of `X-Forwarded-For` that is no proxy of ours: what stands before it, the client may have made up.
    static func of(_ socket: String?, _ headers: HTTPFields, trusted: Set<String>) -> String? {
        guard let socket, trusted.contains(socket) else { return socket }
        let hops = headers[values: .forwardedFor].flatMap { $0.split(separator: ",") }
        for hop in hops.reversed() {
            let address = hop.split(separator: " ").joined()
            guard (try? SocketAddress(ipAddress: address, port: 0)) != nil else { return socket }
            if !trusted.contains(address) { return address }
        }
        return socket
    }
}
