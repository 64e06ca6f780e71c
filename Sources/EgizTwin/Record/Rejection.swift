/// Why a record is a dead letter.
public struct Rejection: Error, Sendable {
    /// `json`, `envelope`, `topic`, `thing-id`, `path`, `revision`, `timestamp`, `value`, `identity` or `merge`.
    public var code: String
    public var message: String
    /// The thing, where the record says it.
    public var thing: ThingID?

    public init(code: String, message: String, thing: ThingID? = nil) {
        self.code = code
        self.message = message
        self.thing = thing
    }

    init(_ code: RejectionCode, _ message: String, _ thing: ThingID? = nil) {
        self.init(code: code.rawValue, message: message, thing: thing)
    }
}
