public import EgizTwin

/// What became of one record.
public enum StepVerdict {
    /// Processed or ignored; its effects are part of the open epoch.
    case done
    /// It can never succeed; the shell writes a dead letter. Where `disposition` is `.parked`, its thing is parked from now on.
    case refused(Refusal)
    /// Its thing is parked: the shell writes it behind the others in the dead-letter store.
    case queued(Refusal)
    /// Its thing is parked and the queue is full: nothing has changed, the task must pause (rule 17).
    case full(String)
    /// The thing is not in the cache: load it and call again. Nothing of the record has been done.
    case needs(ThingID)
    /// The timers after this one (nil: from the first) must be loaded; then call again. Nothing of the record has been done.
    case needsTimers(after: TaskTimer?)
    /// More timers are due than the open epoch has room for: commit it, then call again. What fired stays; nothing of the record
    /// itself has been done.
    case epochIsFull

    public struct Refusal: Sendable {
        public var code: String
        public var message: String
        public var thing: ThingID?
        public var processor: String?
        public var disposition: DeadLetter.Disposition
        /// The record is somebody else's dead letter, which is kept as this.
        public var kept: KeptLetter?

        public init(
            code: String, message: String, thing: ThingID?, processor: String?,
            disposition: DeadLetter.Disposition = .dead
        ) {
            self.code = code
            self.message = message
            self.thing = thing
            self.processor = processor
            self.disposition = disposition
        }
    }
}
