public import EgizCore

/// The next letters of one redrive request, for the owner of the task (rule 18).
public struct RedriveBatch: Sendable {
    public enum Action: String, Sendable, CaseIterable { case retry, discard }

    public var request: Int64
    public var task: TaskID
    public var action: Action
    /// Records a second; nil: as fast as it goes.
    public var rate: Int?
    /// By rising id. Empty where nothing is left: the request is done.
    public var letters: [StoredDeadLetter]
    /// The request has nothing beyond these letters.
    public var isLast: Bool

    public init(
        request: Int64, task: TaskID, action: Action, rate: Int?, letters: [StoredDeadLetter], isLast: Bool
    ) {
        self.request = request
        self.task = task
        self.action = action
        self.rate = rate
        self.letters = letters
        self.isLast = isLast
    }
}
