public import EgizTwin

/// How far one task moves in one epoch.
public struct TaskAdvance: Sendable {
    public struct Offset: Sendable {
        public var topic: String
        public var next: NextOffset
        /// The last record processed of this topic; nil where none was yet.
        public var mark: RecordMark?

        public init(topic: String, next: NextOffset, mark: RecordMark?) {
            self.topic = topic
            self.next = next
            self.mark = mark
        }
    }

    /// Stream time went on without a record, at the end of the log (rule 16): kept, so that a fold of the log can repeat it.
    public struct Idle: Sendable, Equatable {
        /// `StepCounters.records` of the task at that moment: after so many records.
        public var records: Int64
        public var streamTime: EventTime

        public init(records: Int64, streamTime: EventTime) {
            self.records = records
            self.streamTime = streamTime
        }
    }

    public var task: TaskID
    /// The fence: the commit happens only where the task row still has it (contract 2 of the design).
    public var ownerEpoch: Int64
    /// The number of this epoch; the row must stand at `epoch - 1` (rule 2).
    public var epoch: Int64
    public var offsets: [Offset]
    /// Maximum of min(event time, Kafka time + 1 min) over all records of the task (rule 16).
    public var streamTime: EventTime?
    public var counters: StepCounters
    /// Only of stages in which something waits for time.
    public var idle: Idle?
    /// The rules in force, where they or the review of things under them moved (rule 20).
    public var rules: RulesProgress?

    public init(
        task: TaskID, ownerEpoch: Int64, epoch: Int64, offsets: [Offset], streamTime: EventTime?, counters: StepCounters
    ) {
        self.task = task
        self.ownerEpoch = ownerEpoch
        self.epoch = epoch
        self.offsets = offsets
        self.streamTime = streamTime
        self.counters = counters
    }
}
