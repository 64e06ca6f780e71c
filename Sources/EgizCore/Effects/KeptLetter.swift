public import EgizTwin

/// A record that is a dead letter of another system, to be kept among ours.
public struct KeptLetter: Sendable, Equatable {
    public var code: String
    public var message: String
    public var thing: ThingID?
    /// How often it was tried, as far as the record says.
    public var attempts: Int
    /// When, in stream time, it is tried again; nil: it stays until a person does something.
    public var retryAt: EventTime?

    public init(code: String, message: String, thing: ThingID?, attempts: Int, retryAt: EventTime?) {
        (self.code, self.message, self.thing) = (code, message, thing)
        (self.attempts, self.retryAt) = (attempts, retryAt)
    }
}
