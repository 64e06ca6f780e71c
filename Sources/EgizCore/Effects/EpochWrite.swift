import EgizTwin

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
    /// What removed processors left of things is removed as well; by task.
    public var sweeps: [RulesSweep] = []
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

    /// Brings the rows into their orders; whoever hands the epoch to a writer calls it.
    public func sortRows() {
        // Rows are large values: sorting their positions moves none of them until the order is known.
        let rows = twins
        let order = rows.indices.sorted { rows[$0].snapshot.thing < rows[$1].snapshot.thing }
        twins = order.map { rows[$0] }
        states.sort { ($0.processor, $0.thing) < ($1.processor, $1.thing) }
        rollups.sort { ($0.thing, $0.path, $0.processor, $0.start) < ($1.thing, $1.path, $1.processor, $1.start) }
        scenes.sort { ($0.thing, $0.object, $0.target) < ($1.thing, $1.object, $1.target) }
        alerts.sort {
            ($0.thing, $0.key, $0.raisedAt, $0.processor) < ($1.thing, $1.key, $1.raisedAt, $1.processor)
        }
        mergePredictions()
    }

    /// Keys do not guarantee a partition: where two tasks write one row, the younger one stays.
    private func mergePredictions() {
        guard tasks.count > 1, predictions.count > 1 else { return }
        predictions.sort { ($0.key, $0.time) < ($1.key, $1.time) }
        var kept: [PredictionRow] = []
        for row in predictions {
            if kept.last?.key == row.key { kept.removeLast() }
            kept.append(row)
        }
        predictions = kept
    }
}
