/// What went wrong, whether trying again can help, and what to do about it.
///
/// `message` is for people: what happened, where, and what to do. It carries no payloads and no secrets.
public struct EngineError: Error, Sendable, CustomStringConvertible {
    /// The area that failed.
    public enum Code: String, Sendable {
        case config, topology, decode, kafka, postgres, ownership, gap, state, bug
    }

    /// The class of a failure (contract 7 of the design): it decides who does what next.
    public enum Retry: String, Sendable {
        /// `data`: this record, row or setting can never succeed.
        case never
        /// `infrastructure`: Postgres, Kafka or a model is away; wait and try again.
        case backoff
        /// `bug` or a lost invariant: stop the topology and say where.
        case stop
    }

    public var code: Code
    public var retry: Retry
    public var message: String
    /// SQLSTATE or librdkafka's error name, where there is one.
    public var detail: String?
    public var file: String
    public var line: UInt

    public init(
        _ code: Code, _ retry: Retry, _ message: String, detail: String? = nil,
        file: String = #fileID, line: UInt = #line
    ) {
        self.code = code
        self.retry = retry
        self.message = message
        self.detail = detail
        self.file = file
        self.line = line
    }

    public var description: String {
        if let detail { return "\(code.rawValue): \(message) [\(detail)]" }
        return "\(code.rawValue): \(message)"
    }
}
