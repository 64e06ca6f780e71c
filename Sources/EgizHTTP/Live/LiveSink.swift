import NIOCore

/// One client's end: a WebSocket or a stream of server-sent events. Confined to the connection's event loop.
protocol LiveSink: AnyObject, Sendable {
    /// Whether it takes more without growing a queue.
    var isWritable: Bool { get }

    /// Nothing is heard from the other end: that it is gone shows when something is sent.
    var isOneWay: Bool { get }

    func send(_ frame: LiveFrame)

    /// Asks whether the other end is there.
    func ping()

    /// Says why and hangs up. Idempotent.
    func close(_ reason: LiveClose)
}

/// Why the server hangs up.
struct LiveClose: Sendable, Equatable {
    /// Of RFC 6455; 4000 and above are ours.
    var code: UInt16
    var reason: String

    static let goingAway = LiveClose(code: 1001, reason: "the server is going away; connect again")
    static let unreadable = LiveClose(code: 1003, reason: "messages are texts")
    static let noJSON = LiveClose(code: 1007, reason: "messages are JSON objects")
    static let tooManyMessages = LiveClose(code: 1008, reason: "too many messages")
    static let tooLarge = LiveClose(code: 1009, reason: "the message is too large")
    static let full = LiveClose(code: 1013, reason: "too many connections; try again later")
    static let signIn = LiveClose(code: 4401, reason: "sign in first")
    static let invalidToken = LiveClose(code: 4401, reason: "the token is not valid or has expired")
    static let silent = LiveClose(code: 4408, reason: "nothing was heard for too long")
    static let away = LiveClose(code: 1013, reason: "the database is not reachable; try again later")
    /// Of streams, which cannot ask again.
    static let ended = LiveClose(code: 1011, reason: "the subscription ended; ask again")
    static let done = LiveClose(code: 1000, reason: "")
}
