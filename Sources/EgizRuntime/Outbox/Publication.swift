import EgizCore

/// One committed epoch of one task on its way to Kafka: what it emitted, and how far the group's offsets may move with it.
struct Publication: Sendable {
    var lease: TaskLease
    var epoch: Int64
    /// Nil where the epoch emitted nothing.
    var outbox: Outbox?
    var offsets: [TopicPartition: GroupOffset]
    /// The first evidence of a tenure: written at once, before anything is emitted.
    var isBaseline = false
    /// Of the records, for budgets.
    var bytes: Int

    init(lease: TaskLease, epoch: Int64, outbox: Outbox?, offsets: [TopicPartition: GroupOffset]) {
        self.lease = lease
        self.epoch = epoch
        self.outbox = outbox
        self.offsets = offsets
        bytes = outbox?.records.reduce(0) { $0 + $1.size } ?? 0
    }
}
