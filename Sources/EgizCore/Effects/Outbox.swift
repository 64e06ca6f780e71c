/// What one epoch of one task emits: stored in the epoch's transaction, published after it, deleted by a later epoch once
/// Kafka has it (contract 4, rule 9). Numbered by the task's epoch.
public struct Outbox: Sendable {
    public var task: TaskID
    public var epoch: Int64
    /// In the order of emission, which is the order of publication.
    public var records: [OutputRecord]

    public init(task: TaskID, epoch: Int64, records: [OutputRecord]) {
        self.task = task
        self.epoch = epoch
        self.records = records
    }

    /// All outboxes of the task up to and including `epoch` are in Kafka.
    public struct Acknowledgement: Sendable, Hashable {
        public var task: TaskID
        public var epoch: Int64

        public init(task: TaskID, epoch: Int64) {
            self.task = task
            self.epoch = epoch
        }
    }
}
