public import EgizCore

/// Where the API listens and what it allows.
public struct APIConfiguration: Sendable {
    /// An address of this machine. Outside loopback everybody needs credentials, and tokens need a secret that lasts.
    public var host: String
    /// The port; 0 lets the system choose.
    public var port: Int
    /// From the head of a request to the last byte of its answer; then the connection is closed.
    public var requestDeadline: Duration
    /// A connection on which nothing happens is closed after this.
    public var idleTimeout: Duration
    public var maximumConnections: Int
    /// From the opening of a connection to the last header of its first request.
    public var headDeadline: Duration = .seconds(10)
    /// Bounds of live push.
    public var live = LiveSettings()
    /// Web pages of other origins that may use the API.
    public var cors = CORSPolicy.none
    /// Who may do what; nil: nobody is asked, which loopback alone allows.
    public var accounts: AccountConfiguration? = AccountConfiguration()
    /// Addresses of proxies whose word on who the client is (`X-Forwarded-For`) is taken, for limits and the audit log.
    public var trustedProxies: Set<String> = []

    /// An address as `trustedProxies` has it; nil where the text is none.
    public static func address(_ text: String) -> String? { ClientAddress.canonical(text) }
    /// What listens there and the setting that says where, for messages.
    public var name = "API"
    public var setting = "EGIZ_HTTP_ADDRESS"

    public init(
        host: String = "127.0.0.1", port: Int = 8080, requestDeadline: Duration = .seconds(30),
        idleTimeout: Duration = .seconds(60), maximumConnections: Int = 512
    ) {
        self.host = host
        self.port = port
        self.requestDeadline = requestDeadline
        self.idleTimeout = idleTimeout
        self.maximumConnections = maximumConnections
    }

    /// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`, as `EGIZ_HTTP_ADDRESS` has it.
    ///
    /// Errors: `.config`/`.stop` that says what is wrong with the text.
    public init(address: String) throws(EngineError) {
        guard let colon = address.utf8.lastIndex(of: UInt8(ascii: ":")),
            let port = Int(address[address.index(after: colon)...])
        else {
            throw EngineError(
                .config, .stop, "EGIZ_HTTP_ADDRESS is \(address); it must be host:port, such as 127.0.0.1:8080")
        }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.init(host: host, port: port)
        try check()
    }

    /// Refuses what the API must not listen on.
    public func check() throws(EngineError) {
        guard (0...65_535).contains(port) else {
            throw EngineError(
                .config, .stop,
                "\(setting) names port \(port); ports go from 1 to 65535, 0 lets the system choose")
        }
        guard isOutside else { return }
        let place = host.isEmpty ? "all addresses" : host
        guard let accounts else {
            throw EngineError(
                .config, .stop,
                """
                the \(name) does not listen on \(place): it has no authentication, so it binds to loopback only; set \(setting) to \
                127.0.0.1:\(port) and reach it from elsewhere through ssh -L
                """)
        }
        if accounts.secret == nil {
            throw EngineError(
                .config, .stop,
                """
                the \(name) does not listen on \(place) without a secret that signs its tokens: make one with `openssl rand -base64 \
                48` and name its file in EGIZ_JWT_SECRET_FILE, or set \(setting) to 127.0.0.1:\(port)
                """)
        }
    }

    /// Others than this machine can reach the server.
    var isOutside: Bool { !Self.isLoopback(host) }

    /// Who reaches the server without credentials is an admin: on loopback, unless a proxy of ours stands before it, behind which everybody
    /// comes from loopback.
    var hasLocalOperator: Bool { accounts?.demand == .loopback && !isOutside && trustedProxies.isEmpty }

    /// 127.0.0.0/8 in full dotted form, ::1, and localhost.
    static func isLoopback(_ host: String) -> Bool {
        if host == "::1" || host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && UInt8(part) != nil
            }
    }
}
