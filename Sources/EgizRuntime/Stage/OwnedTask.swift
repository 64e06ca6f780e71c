import EgizCore
import EgizTwin

/// One task as its stream thread holds it: the lease, the step, and how far it has read and committed.
final class OwnedTask {
    var lease: TaskLease
    var step: PartitionStep
    /// By index of the topic in the stage: the next offset to process, and the committed one.
    var next: [NextOffset?]
    var committed: [NextOffset?]
    /// The last record processed of each topic, and the one of the last commit.
    var marks: [RecordMark?]
    var committedMarks: [RecordMark?]
    var committedCounters: StepCounters
    var committedStreamTime: EventTime?
    /// The epoch in commit, with what it returns to the step.
    var inFlight: InFlight?
    /// By index of the topic: where in the batch under way the last processed record stands; -1: nowhere.
    var lastInBatch: [Int]
    /// The last record taken into an epoch. Positions alone do not tell it: they also move behind marks of transactions.
    var lastTaken: (topic: Int, offset: Int64)?
    /// Since when the task has been at the end of its log (rule 16).
    var idleSince: ContinuousClock.Instant?
    /// Too much is parked: no record is taken before then (rule 17).
    var blockedUntil: ContinuousClock.Instant?
    /// The committed epoch after which a page of things was reviewed last.
    var reviewedAt: Int64 = -1
    /// Timers are due for which an epoch had no room.
    var owesTimers = false
    /// The records that a caller has in hand; nil in stages without one.
    var calls: TaskCalls?
    /// Kafka has no evidence of this task yet: nothing may be emitted before it has (rule 9).
    var awaitsBaseline = false

    struct InFlight {
        var number: Int64
        var output: StepOutput
        var next: [NextOffset?]
        var marks: [RecordMark?]
        var counters: StepCounters
        var streamTime: EventTime?
    }

    init(lease: TaskLease, step: PartitionStep, next: [NextOffset?], marks: [RecordMark?]) {
        self.lease = lease
        self.step = step
        self.next = next
        self.committed = next
        self.marks = marks
        self.committedMarks = marks
        lastInBatch = Array(repeating: -1, count: marks.count)
        committedCounters = lease.counters
        committedStreamTime = lease.streamTime
    }

    var id: TaskID { lease.task }

    /// Records are taken from the log and not in an epoch yet.
    var hasCalls: Bool { calls.map { !$0.window.isEmpty } ?? false }

    /// Closes the open epoch of this task; nil where it has nothing to commit.
    func close(topics: [String]) -> (advance: TaskAdvance, output: StepOutput)? {
        guard step.hasOpenWork else { return nil }
        let number = lease.epoch + 1
        let output = step.closeEpoch(number)
        inFlight = InFlight(
            number: number, output: output, next: next, marks: marks, counters: step.counters,
            streamTime: step.streamTime)
        var offsets: [TaskAdvance.Offset] = []
        for (index, topic) in topics.enumerated() {
            guard let position = next[index], position != committed[index] else { continue }
            offsets.append(.init(topic: topic, next: position, mark: marks[index]))
        }
        var advance = TaskAdvance(
            task: id, ownerEpoch: lease.ownerEpoch, epoch: number, offsets: offsets, streamTime: step.streamTime,
            counters: step.counters)
        advance.idle = output.idle
        advance.rules = output.rules
        return (advance, output)
    }

    /// The epoch in commit has landed. Returns what may be published of it.
    func finish(topics: [String], cacheBytes: Int) -> Publication? {
        guard let done = inFlight else { return nil }
        lease.epoch = done.number
        if let rules = done.output.rules { lease.rules = rules }
        committed = done.next
        committedMarks = done.marks
        committedCounters = done.counters
        committedStreamTime = done.streamTime
        step.committed(done.number, output: done.output, cacheBytes: cacheBytes)
        inFlight = nil
        let outbox =
            done.output.outputs.isEmpty ? nil : Outbox(task: id, epoch: done.number, records: done.output.outputs)
        return Publication(lease: lease, epoch: done.number, outbox: outbox, offsets: groupOffsets(topics: topics))
    }

    /// The committed positions, with the evidence of what is published when they are written (rule 9).
    func groupOffsets(topics: [String]) -> [TopicPartition: GroupOffset] {
        let evidence = Evidence(incarnation: lease.incarnation, epoch: lease.epoch).text
        var offsets: [TopicPartition: GroupOffset] = [:]
        for (index, topic) in topics.enumerated() {
            guard let position = committed[index] else { continue }
            offsets[TopicPartition(topic, id.partition)] = GroupOffset(next: position, metadata: evidence)
        }
        return offsets
    }

    /// Drops everything uncommitted and begins again at the committed positions with an empty cache.
    func reset(step: PartitionStep) {
        self.step = step
        inFlight = nil
        next = committed
        marks = committedMarks
        for topic in lastInBatch.indices { lastInBatch[topic] = -1 }
        idleSince = nil
        blockedUntil = nil
        reviewedAt = -1
        owesTimers = false
        calls = calls?.emptied()
    }
}
