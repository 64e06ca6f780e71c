public import EgizTwin

/// One call over HTTP.
public struct CallRequest: Sendable {
    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    public var method = "POST"
    /// Absolute, `http` or `https`.
    public var url: String
    public var headers: [Header]
    public var body: [UInt8]
    /// From the start to the last byte of the answer.
    public var timeout: Duration
    /// An answer with more is given up.
    public var maxAnswerBytes: Int
    /// Why it cannot be made now: something that it needs from outside is missing. It then counts as nobody being there.
    public var problem: String?

    public init(url: String, headers: [Header], body: [UInt8], policy: CallPolicy) {
        (self.url, self.headers, self.body) = (url, headers, body)
        (timeout, maxAnswerBytes) = (policy.timeout, policy.maxAnswerBytes)
    }

    /// The first header of that name, in whatever case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// An answer over HTTP, whole.
public struct CallResponse: Sendable {
    public var status: Int
    /// Names in lower case.
    public var headers: [CallRequest.Header]
    public var body: [UInt8]

    public init(status: Int, headers: [CallRequest.Header] = [], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }

    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// `Retry-After` in seconds; its form with a date is not read.
    public var retryAfter: Duration? {
        guard let text = header("retry-after"), let seconds = Int64(text), (0...3600).contains(seconds) else {
            return nil
        }
        return .seconds(seconds)
    }
}

/// How a call ended.
public enum CallOutcome: Sendable {
    case response(CallResponse)
    /// The request was sent, and nothing came in time.
    case timedOut
    /// Nobody is there; nothing was sent: why.
    case away(String)
    /// The connection broke after something was sent: why.
    case cutOff(String)
    /// The answer has more bytes than are taken.
    case tooLarge
}

/// What a request may need from outside.
public struct CallTools: Sendable {
    /// The wall clock, as calls tell it.
    public var now: EventTime
    /// The wall clock that bounds what records say of their times; another one only in tests, whose calls have a fixed time.
    public var clock: EventTime
    /// The value of an environment variable, for secrets; never logged.
    public var environment: @Sendable (String) -> String?

    public init(
        now: EventTime, clock: EventTime? = nil, environment: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        (self.now, self.clock, self.environment) = (now, clock ?? now, environment)
    }
}
