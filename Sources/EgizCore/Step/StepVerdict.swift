public import EgizTwin

/// What became of one record.
public enum StepVerdict {
    /// Processed or ignored; its effects are part of the open epoch.
    case done
    /// It can never succeed; the shell writes a dead letter.
    case refused(Refusal)
    /// The thing is not in the cache: load it and call again. Nothing has changed.
    case needs(ThingID)

    public struct Refusal: Sendable {
        public var code: String
        public var message: String
        public var thing: ThingID?
        public var processor: String?

        public init(code: String, message: String, thing: ThingID?, processor: String?) {
            self.code = code
            self.message = message
            self.thing = thing
            self.processor = processor
        }
    }
}
