import EgizCore
import Foundation
import Logging

/// The third part of a stream thread: brings committed outboxes to Kafka, in the order of the epochs, each batch in one Kafka
/// transaction with the group offsets (contract 4). All group offsets of the stage's tasks go this way, so that none overtakes an
/// unpublished outbox (rule 9).
///
/// Unchecked: the mailbox is guarded by `condition`; producer and store are touched by the thread alone.
final class PublishThread: @unchecked Sendable {
    struct Setup: Sendable {
        var transactionalID: String?
        var properties: [String: String]
        var outputs: any OutputProducerFactory
        var openStore: @Sendable () throws(EngineError) -> any TaskStore
        var status: StageStatus
        var logger: Logger
    }

    /// Group offsets without records are for lag tools: often enough once a second.
    static let quietInterval: TimeInterval = 1
    /// Records of one Kafka transaction.
    static let mostBytes = 16 << 20

    /// How long to wait for an assignment before the same place in the group is tried again, in seconds.
    static let patience: TimeInterval = 15
    /// A client that failed for good is replaced so often before the topology stops.
    static let mostFatal = 5

    let setup: Setup
    let condition = NSCondition()
    var queue: [Publication] = []
    var inHand = 0
    var membership: (any GroupMembership)?
    var isMembershipOld = true
    var acknowledged: [Outbox.Acknowledgement] = []
    /// Tenures whose baseline is in Kafka, not asked for yet.
    var baselines: [TaskLease] = []
    var bytes = 0
    var error: EngineError?
    var wasFenced = false
    /// Nothing is taken from the queue before the stream thread has given its tasks up: what was in hand is missing in it.
    var isBlocked = false
    /// Tasks of the batch in hand.
    var tasksInHand: Set<TaskID> = []
    /// The group refused our place in it: only another assignment mends that, or some time.
    var awaitsAssignment: Date?
    /// Fatal errors in a row, for the thread alone.
    var fatal = 0
    var isDraining = false
    var isStopping = false
    /// Tasks that are ours no more, with the fence under which they were: their publications are dropped.
    var dropped: [TaskID: Int64] = [:]
    var lastQuiet = Date.distantPast
    private var thread: OSThread?

    // Of the thread alone.
    var producer: (any OutputProducer)?
    var store: (any TaskStore)?

    init(name: String, _ setup: Setup) {
        self.setup = setup
        thread = OSThread(name: name) { [self] in run() }
    }

    // MARK: For the stream thread

    /// Hands over what one commit made publishable. - Precondition: in the order of the task's epochs.
    func submit(_ publications: [Publication]) {
        guard !publications.isEmpty else { return }
        #if EGIZ_SABOTAGE
        let publications = publications.map { publication in
            var publication = publication
            if publication.outbox != nil, Sabotage.isDue(.dropOutbox) { publication.outbox = nil }
            return publication
        }
        #endif
        change {
            queue += publications
            bytes += publications.reduce(0) { $0 + $1.bytes }
        }
    }

    /// True where a place in the group is needed: after a start, a rebalance, or when the group refused the old one.
    var wantsMembership: Bool { read { isMembershipOld && (awaitsAssignment ?? .distantPast) <= .now } }

    func renew(_ membership: any GroupMembership) {
        change {
            self.membership = membership
            isMembershipOld = false
        }
    }

    /// The group has moved: what was handed over before needs a new place in it.
    func noteRebalance() {
        change {
            isMembershipOld = true
            awaitsAssignment = nil
        }
    }

    /// What is in Kafka since the last call: its outboxes may be deleted.
    func takeAcknowledged() -> [Outbox.Acknowledgement] {
        change {
            defer { acknowledged = [] }
            return acknowledged
        }
    }

    /// The tenures whose baseline came to Kafka since the last call (rule 9).
    func takeBaselines() -> [TaskLease] {
        change {
            defer { baselines = [] }
            return baselines
        }
    }

    var hasAcknowledged: Bool { read { !acknowledged.isEmpty } }

    /// Bytes that are committed and not yet in Kafka.
    var unpublishedBytes: Int { read { bytes } }

    /// Records are committed and not yet in Kafka.
    var hasUnpublished: Bool { read { bytes > 0 } }

    /// What ended the thread.
    var failure: EngineError? { read { error } }

    /// True after the producer was given up: all tasks must be set aside, and then `forget` be called.
    var isFenced: Bool { read { wasFenced } }

    /// The tasks were set aside: whatever is queued belongs to tenures that are over.
    func forget() {
        change {
            wasFenced = false
            isBlocked = false
            queue = []
            count()
        }
    }

    /// Waits until nothing of these tasks is on its way: what the evidence says would else be outdated while it is read.
    func quiesce(_ tasks: [TaskID], until deadline: Date) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !tasksInHand.isDisjoint(with: tasks) {
            guard condition.wait(until: deadline) else { return false }
        }
        return true
    }

    /// Gives up what belongs to these tasks: others own them, and publish from the store.
    func drop(_ leases: [TaskLease]) {
        change {
            for lease in leases { dropped[lease.task] = max(dropped[lease.task] ?? 0, lease.ownerEpoch) }
            queue.removeAll(where: isDropped)
            count()
        }
    }

    /// Waits until everything handed over is in Kafka, group offsets included; false at the deadline.
    func drain(until deadline: Date) -> Bool {
        condition.lock()
        defer {
            isDraining = false
            condition.unlock()
        }
        isDraining = true
        condition.broadcast()
        while !queue.isEmpty || inHand > 0 {
            if error != nil || isStopping { return false }
            guard condition.wait(until: deadline) else { return queue.isEmpty && inHand == 0 }
        }
        return true
    }

    /// Waits for a change of the mailbox.
    func wait(until deadline: Date) {
        condition.lock()
        _ = condition.wait(until: deadline)
        condition.unlock()
    }

    /// Ends the thread after its present attempt; what is left is published by the next owner.
    func stop(until deadline: Date) {
        change { isStopping = true }
        thread?.join(until: deadline)
    }

    // MARK: Under the lock

    func isDropped(_ publication: Publication) -> Bool {
        dropped[publication.lease.task].map { publication.lease.ownerEpoch <= $0 } ?? false
    }

    func count() { bytes = queue.reduce(0) { $0 + $1.bytes } }

    @discardableResult
    func change<T>(_ body: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }

    func read<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }
}
