/// What became of one dead letter that was redriven in an epoch.
public struct RedriveResult: Sendable {
    public enum Outcome: Sendable {
        /// It was processed: its row is deleted.
        case resolved
        /// Somebody asked for it to be dropped: its row is deleted.
        case discarded
        /// It failed again: attempts rise, code and message are replaced.
        case failed(code: String, message: String)
    }

    /// `dead_letter.dead_letter_id`.
    public var letter: Int64
    public var outcome: Outcome

    public init(letter: Int64, outcome: Outcome) {
        self.letter = letter
        self.outcome = outcome
    }
}

/// How far a redrive request has come, written in the epoch that did it.
public struct RedriveAdvance: Sendable {
    public var request: Int64
    /// The highest letter looked at.
    public var through: Int64
    public var resolved: Int
    public var failed: Int
    public var isDone: Bool

    public init(request: Int64, through: Int64, resolved: Int, failed: Int, isDone: Bool) {
        self.request = request
        self.through = through
        self.resolved = resolved
        self.failed = failed
        self.isDone = isDone
    }
}
