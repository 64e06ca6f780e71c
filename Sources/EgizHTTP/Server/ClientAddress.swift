import HTTPTypes
import NIOCore

/// Who sent a request: the other end of the connection, or, where that is a proxy of ours, the address that the proxy names.
enum ClientAddress {
    /// The last hop of `X-Forwarded-For` that is no proxy of ours: what stands before it, the client may have made up.
    static func of(_ socket: String?, _ headers: HTTPFields, trusted: Set<String>) -> String? {
        guard let socket = socket.map(plain), trusted.contains(socket) else { return socket.map(plain) }
        let hops = headers[values: .forwardedFor].flatMap { $0.split(separator: ",") }
        for hop in hops.reversed() {
            let address = plain(hop.split(separator: " ").joined())
            guard (try? SocketAddress(ipAddress: address, port: 0)) != nil else { return socket }
            if !trusted.contains(address) { return address }
        }
        return socket
    }

    /// As the system writes an address that somebody typed; nil where it is none.
    static func canonical(_ text: String) -> String? {
        (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress.map(plain)
    }

    /// On a socket for both families an IPv4 address comes as `::ffff:203.0.113.9`; it is the same address.
    static func plain(_ address: String) -> String {
        address.lowercased().hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }
}
