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
    private static let quietInterval: TimeInterval = 1
    /// Records of one Kafka transaction.
    private static let mostBytes = 16 << 20

    /// How long to wait for an assignment before the same place in the group is tried again, in seconds.
    private static let patience: TimeInterval = 15
    /// A client that failed for good is replaced so often before the topology stops.
    private static let mostFatal = 5

    private let setup: Setup
    let condition = NSCondition()
    private var queue: [Publication] = []
    private var inHand = 0
    private var membership: (any GroupMembership)?
    private var isMembershipOld = true
    private var acknowledged: [Outbox.Acknowledgement] = []
    private var bytes = 0
    private var error: EngineError?
    private var wasFenced = false
    /// Nothing is taken from the queue before the stream thread has given its tasks up: what was in hand is missing in it.
    private var isBlocked = false
    /// Tasks of the batch in hand.
    private var tasksInHand: Set<TaskID> = []
    /// The group refused our place in it: only another assignment mends that, or some time.
    private var awaitsAssignment: Date?
    /// Fatal errors in a row, for the thread alone.
    private var fatal = 0
    private var isDraining = false
    private var isStopping = false
    /// Tasks that are ours no more, with the fence under which they were: their publications are dropped.
    private var dropped: [TaskID: Int64] = [:]
    private var lastQuiet = Date.distantPast
    private var thread: OSThread?

    // Of the thread alone.
    private var producer: (any OutputProducer)?
    private var store: (any TaskStore)?

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

    // MARK: The thread

    private func run() {
        while let (batch, membership) = next() {
            defer {
                change {
                    inHand = 0
                    tasksInHand = []
                }
            }
            do throws(EngineError) {
                try publish(batch, membership)
            } catch {
                change {
                    if !isStopping { self.error = error }
                    inHand = 0
                }
                break
            }
        }
        producer?.close()
        store?.close()
    }

    /// Waits for something to publish and a place in the group; nil when the thread must end.
    private func next() -> ([Publication], any GroupMembership)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if isStopping { return nil }
            if let membership, !isMembershipOld, !isBlocked, !queue.isEmpty {
                let isQuiet = queue.allSatisfy { $0.outbox == nil && !$0.isBaseline }
                let due = lastQuiet.addingTimeInterval(Self.quietInterval)
                if !isQuiet || isDraining || due <= .now {
                    if isQuiet { lastQuiet = .now }
                    return (takeBatch(), membership)
                }
                _ = condition.wait(until: due)
            } else {
                condition.wait()
            }
        }
    }

    /// Under the lock.
    private func takeBatch() -> [Publication] {
        var size = 0
        var count = 0
        // Baselines go alone: a transaction that cannot land must not take them with it.
        let isBaseline = queue.first?.isBaseline ?? false
        while count < queue.count, queue[count].isBaseline == isBaseline,
            count == 0 || size + queue[count].bytes <= Self.mostBytes
        {
            size += queue[count].bytes
            count += 1
        }
        let batch = Array(queue[..<count])
        queue.removeFirst(count)
        inHand = count
        tasksInHand = Set(batch.map(\.lease.task))
        return batch
    }

    private func publish(_ batch: [Publication], _ first: any GroupMembership) throws(EngineError) {
        var batch = batch
        var membership = first
        var backoff = Backoff()
        var attempts = 0
        while true {
            batch = change { batch.filter { !isDropped($0) } }
            if read({ isStopping }) { return }
            do throws(EngineError) {
                switch try attempt(batch, membership) {
                case .published:
                    fatal = 0
                    // Also at the first attempt: the batch before may have been given up while it waited.
                    setup.status.recovered(.output)
                    finish(batch)
                    return
                case .refused(let refused):
                    try setAside(refused, of: &batch)
                case .fenced:
                    giveUp("another producer uses this thread's transactional id")
                    return
                case .outdated:
                    membership = try again(&batch, membership)
                }
            } catch {
                if error.code == .ownership {
                    // Offsets without records are only for lag tools: the new owner writes its own.
                    batch.removeAll { $0.outbox == nil && !$0.isBaseline }
                    membership = try again(&batch, membership)
                    continue
                }
                if error.retry == .stop, error.code == .kafka, fatal < Self.mostFatal {
                    // Whether the transaction landed may be unknown: the evidence says it, at the next takeover.
                    fatal += 1
                    giveUp("\(error)")
                    return
                }
                guard error.retry == .backoff else { throw error }
                attempts += 1
                if attempts == 1 {
                    setup.logger.warning("output waits for Kafka", metadata: [LogKey.error: "\(error)"])
                }
                setup.status.waiting(.output, error.message)
                pause(backoff.next())
            }
        }
    }

    /// The producer is of no more use: the stream thread takes its tasks over anew, and another one publishes what the evidence
    /// says is missing.
    private func giveUp(_ why: String) {
        setup.logger.warning(
            "the output producer is replaced, its tasks are taken over anew", metadata: [LogKey.reason: "\(why)"])
        producer?.close()
        producer = nil
        change {
            wasFenced = true
            isBlocked = true
        }
    }

    private func attempt(_ batch: [Publication], _ membership: any GroupMembership) throws(EngineError)
        -> PublishOutcome
    {
        var records: [OutputRecord] = []
        var offsets: [TopicPartition: GroupOffset] = [:]
        for publication in batch {
            records += publication.outbox?.records ?? []
            offsets.merge(publication.offsets) { _, later in later }
        }
        if records.isEmpty {
            if !offsets.isEmpty { try membership.commit(offsets) }
            return .published
        }
        let producer: any OutputProducer
        if let known = self.producer {
            producer = known
        } else {
            producer = try setup.outputs.openOutput(
                transactionalID: setup.transactionalID, properties: setup.properties)
            do throws(EngineError) { try producer.initialize() } catch {
                producer.close()
                throw error
            }
            self.producer = producer
        }
        return try producer.publish(records, offsets: offsets, as: membership)
    }

    private func finish(_ batch: [Publication]) {
        change {
            for publication in batch where publication.outbox != nil {
                acknowledged.append(.init(task: publication.lease.task, epoch: publication.epoch))
            }
            inHand = 0
            count()
        }
    }

    /// The group has moved on: only what is still ours is published again, from a new place in the group (rule 10).
    private func again(_ batch: inout [Publication], _ old: any GroupMembership) throws(EngineError)
        -> any GroupMembership
    {
        change {
            if membership === old, !isMembershipOld {
                isMembershipOld = true
                awaitsAssignment = Date(timeIntervalSinceNow: Self.patience)
            }
        }
        let leases = batch.filter { $0.outbox != nil }.map(\.lease)
        if !leases.isEmpty {
            let lost = Set(try storeConnection().lost(of: leases))
            // Their later epochs must not be published past the missing ones.
            drop(leases.filter { lost.contains($0.task) })
        }
        condition.lock()
        defer { condition.unlock() }
        while !isStopping {
            batch.removeAll(where: isDropped)
            if let membership, !isMembershipOld { return membership }
            if batch.isEmpty { return old }
            condition.wait()
        }
        return old
    }

    /// Kafka will never take these: they go to the dead outputs, the rest is published without them (rule 12).
    private func setAside(_ refused: [Int: EngineError], of batch: inout [Publication]) throws(EngineError) {
        var start = 0
        for index in batch.indices {
            guard var outbox = batch[index].outbox else { continue }
            let count = outbox.records.count
            var mine: [Int: EngineError] = [:]
            for (place, error) in refused where (start..<(start + count)).contains(place) {
                mine[place - start] = error
            }
            start += count
            guard !mine.isEmpty else { continue }
            do throws(EngineError) {
                try storeConnection().refuse(mine, of: outbox, lease: batch[index].lease)
            } catch {
                if error.code == .ownership {
                    drop([batch[index].lease])
                    continue
                }
                throw error
            }
            for (place, error) in mine {
                setup.logger.error(
                    "Kafka refuses a record for ever; it is in table dead_output",
                    metadata: [LogKey.topic: "\(outbox.records[place].topic)", LogKey.error: "\(error)"])
            }
            outbox.records = outbox.records.enumerated().filter { mine[$0.offset] == nil }.map(\.element)
            batch[index].outbox = outbox
        }
    }

    private func storeConnection() throws(EngineError) -> any TaskStore {
        if let store { return store }
        let opened = try setup.openStore()
        store = opened
        return opened
    }

    private func pause(_ duration: Duration) {
        let deadline = Date(timeIntervalSinceNow: duration.seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isStopping {
            guard condition.wait(until: deadline) else { return }
        }
    }

    // MARK: Under the lock

    private func isDropped(_ publication: Publication) -> Bool {
        dropped[publication.lease.task].map { publication.lease.ownerEpoch <= $0 } ?? false
    }

    private func count() { bytes = queue.reduce(0) { $0 + $1.bytes } }

    @discardableResult
    private func change<T>(_ body: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }

    private func read<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }
}
