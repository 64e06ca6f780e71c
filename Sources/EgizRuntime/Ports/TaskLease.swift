public import EgizCore
public import EgizTwin

/// What a worker gets when it takes over a task: its fence and where to go on.
public struct TaskLease: Sendable {
    public struct Position: Sendable {
        public var next: NextOffset
        public var mark: RecordMark?

        public init(next: NextOffset, mark: RecordMark?) {
            self.next = next
            self.mark = mark
        }
    }

    public var task: TaskID
    public var ownerEpoch: Int64
    /// The last committed epoch.
    public var epoch: Int64
    /// Stored positions by topic; a topic never read has none.
    public var positions: [String: Position]
    public var streamTime: EventTime?
    public var counters: StepCounters
    /// The log that the positions belong to; nil for a new task.
    public var log: LogIdentity?
    /// The worker that had the task before, where it was not released cleanly.
    public var previousOwner: String?
    /// Rises when the log is another one, so that its offsets begin anew; part of `egiz-id` and of the evidence (rules 9 and 11).
    public var incarnation: Int32 = 1
    /// The transactional id under which the owner before published, where it was not released cleanly (rule 10).
    public var previousTransactionalID: String?
    /// The task has outboxes that were not acknowledged.
    public var hasPendingOutboxes = false
    /// Things of this task with parked records, and how many each has.
    public var parked: [ThingID: Int] = [:]
    /// The rules under which its things were processed last; nil where it never had any (rule 20).
    public var rules: RulesProgress?

    public init(
        task: TaskID, ownerEpoch: Int64, epoch: Int64, positions: [String: Position], streamTime: EventTime?,
        counters: StepCounters, log: LogIdentity?, previousOwner: String?
    ) {
        self.task = task
        self.ownerEpoch = ownerEpoch
        self.epoch = epoch
        self.positions = positions
        self.streamTime = streamTime
        self.counters = counters
        self.log = log
        self.previousOwner = previousOwner
    }
}
