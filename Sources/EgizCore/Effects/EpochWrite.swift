/// Everything one epoch of one stream thread commits, in one Postgres transaction.
///
/// Handed from the stream thread to its committing thread when the epoch closes and back when it is done; exactly one of
/// the two touches it at any time, which is why it may be unchecked.
public final class EpochWrite: @unchecked Sendable {
    /// Sorted by task, so that concurrent workers lock rows in one order (rule 1).
    public var tasks: [TaskAdvance]
    /// Sealed, non-empty columns; the writer makes segments of them.
    public var columns: [SeriesColumn]
    /// Sorted by thing id.
    public var twins: [TwinRow]
    public var deadLetters: [DeadLetter]

    /// Sorted by processor and thing; written after the twins.
    public var states: [StateRow] = []
    /// Sorted by task; at most one a task.
    public var timers: [TimerChange] = []
    /// Sorted by thing, path, processor and start.
    public var rollups: [RollupRow] = []
    /// Sorted by thing, object and target.
    public var scenes: [SceneRow] = []
    /// Sorted by thing, key, time of raising and processor.
    public var alerts: [AlertRow] = []
    /// Sorted by key; at most one each.
    public var predictions: [PredictionRow] = []
    /// Inbox messages that were consumed, sorted.
    public var consumed: [Int64] = []
    /// Sorted by task; at most one a task, none without records.
    public var outboxes: [Outbox] = []
    /// What Kafka has of earlier epochs: their outboxes are deleted.
    public var acknowledged: [Outbox.Acknowledgement] = []
    /// What became of redriven dead letters.
    public var redriven: [RedriveResult] = []
    /// How far redrive requests have come.
    public var redrives: [RedriveAdvance] = []
    /// How long the samples are kept, for series that are new to the writer.
    public var retention = HistoryRetention()

    public init(tasks: [TaskAdvance], columns: [SeriesColumn], twins: [TwinRow], deadLetters: [DeadLetter]) {
        self.tasks = tasks
        self.columns = columns
        self.twins = twins
        self.deadLetters = deadLetters
    }
}
