/// Which `Host` headers are answered.
///
/// The API has no authentication yet and listens on loopback. A page of a hostile site could still reach it from a
/// browser on this machine by pointing a name of its own at 127.0.0.1 (DNS rebinding): such a request carries that name.
enum HostName {
    /// No host (HTTP/1.0), `localhost` and names below it, and IP addresses are ours.
    static func isOurs(_ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return true }
        // An IPv6 address stands in brackets.
        if authority.utf8.first == UInt8(ascii: "[") { return true }
        let host = authority.utf8.prefix { $0 != UInt8(ascii: ":") }
        if host.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }) {
            return true
        }
        let name = Substring(host).lowercased()
        return name == "localhost" || name.hasSuffix(".localhost")
    }
}
