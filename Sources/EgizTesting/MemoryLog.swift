public import EgizCore
public import EgizRuntime
public import EgizTwin
import Foundation

/// A Kafka log in memory: topics, partitions, retention, consumer groups; and the accidents that a test wants to happen.
///
/// Safe from any thread. Unchecked: all state is guarded by `condition`.
public final class MemoryLog: @unchecked Sendable {
    /// One record as the log keeps it.
    public struct Record: Sendable, Equatable {
        public var offset: Int64
        public var timestamp: EventTime
        public var key: [UInt8]?
        /// Nil is a tombstone.
        public var value: [UInt8]?
        public var headers: [DeadLetter.Header] = []
        /// The mark of a transaction: it takes an offset, and no reader ever sees it.
        var isMark = false
    }

    struct Partition {
        var start: Int64 = 0
        var records: [Record] = []
        var end: Int64 { start + Int64(records.count) }
    }

    let condition = NSCondition()
    var topics: [String: [Partition]] = [:]
    var groups: [String: MemoryGroup] = [:]
    var identity: LogIdentity
    var isAway = false
    var isQuiet = false
    var brokenQueries = 0
    var brokenFences = 0
    var staleAfterSeek = 0
    var groupOffsets: [String: [TopicPartition: GroupOffset]] = [:]
    /// Bumped by `fenceProducers`, by transactional id.
    var producerEpochs: [String: Int] = [:]
    var outputAccidents: [OutputAccident] = []
    var publications = 0
    var handed = 0
    var refusesGroupOffsets = false
    var groupOffsetRefusals = 0
    /// What happens elsewhere before the next questions for group offsets are answered, in their order.
    var meanwhile: [@Sendable () -> Void] = []
    /// Done once, before a member answers that partitions are taken from it.
    var beforeAnswer: (@Sendable () -> Void)?
    var seeks: [TopicPartition: [NextOffset]] = [:]
    var nextMember = 0
    /// Polls that found everything read, by partition: the offset they stood at.
    var drained: [TopicPartition: Int64] = [:]
    /// Counts the changes, so that no waiter misses one between its look and its wait.
    private var version = 0

    public init(identity: LogIdentity = LogIdentity(clusterID: "memory", embeddedLog: nil)) {
        self.identity = identity
    }

    /// Runs `body` under the lock and wakes whoever waits for a change.
    func change<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        condition.lock()
        defer {
            noteChange()
            condition.unlock()
        }
        return try body()
    }

    func read<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    /// Under the lock only.
    func noteChange() {
        version += 1
        condition.broadcast()
    }

    var currentVersion: Int { read { version } }

    /// Waits for a change after `seen`; false at the deadline.
    func waitForChange(after seen: Int, until deadline: Date) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while version == seen {
            guard condition.wait(until: deadline) else { return version != seen }
        }
        return true
    }

    /// Waits until `predicate` holds, looking at every change of the log; false at the deadline.
    public func wait(seconds: Double = 10, until predicate: (MemoryLog) -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let seen = currentVersion
            if predicate(self) { return true }
            guard waitForChange(after: seen, until: deadline) else { return predicate(self) }
        }
    }

    // MARK: Topics and records

    /// Makes a topic; an existing one of that name is made anew, empty (what `onGap` must notice).
    public func createTopic(_ name: String, partitions: Int) {
        change { topics[name] = Array(repeating: Partition(), count: partitions) }
    }

    /// Appends a record; without `partition`, where Java's default partitioner puts the key. Returns where it went.
    /// - Precondition: the topic exists.
    @discardableResult
    public func append(
        _ topic: String, key: String?, value: String?, at time: EventTime = EventTime(microseconds: 0),
        partition: Int32? = nil
    ) -> InputPosition {
        append(
            topic, key: key.map { Array($0.utf8) }, bytes: value.map { Array($0.utf8) }, at: time, partition: partition)
    }

    @discardableResult
    public func append(
        _ topic: String, key: [UInt8]?, bytes: [UInt8]?, at time: EventTime, partition: Int32?,
        headers: [DeadLetter.Header] = []
    ) -> InputPosition {
        change { appendLocked(topic, key: key, bytes: bytes, at: time, partition: partition, headers: headers) }
    }

    /// Under the lock only.
    func appendLocked(
        _ topic: String, key: [UInt8]?, bytes: [UInt8]?, at time: EventTime, partition: Int32?,
        headers: [DeadLetter.Header]
    ) -> InputPosition {
        precondition(topics[topic] != nil, "topic \(topic) was not created")
        let count = Int32(topics[topic, default: []].count)
        let number =
            partition ?? key.map {
                Murmur2.partition(ofKey: String(decoding: $0, as: UTF8.self), partitions: count)
            }
            ?? 0
        let offset = topics[topic, default: []][Int(number)].end
        topics[topic, default: []][Int(number)].records.append(
            Record(offset: offset, timestamp: time, key: key, value: bytes, headers: headers))
        return InputPosition(topic: topic, partition: number, offset: offset)
    }

    /// Ends a partition with the mark of a transaction, as its commit does.
    public func appendMark(_ partition: TopicPartition) {
        change {
            let place = appendLocked(
                partition.topic, key: nil, bytes: nil, at: EventTime(microseconds: 0), partition: partition.partition,
                headers: [])
            guard let last = topics[place.topic]?[Int(place.partition)].records.indices.last else { return }
            topics[place.topic]?[Int(place.partition)].records[last].isMark = true
        }
    }

    /// Everything that is in a partition now, in order; without marks.
    public func records(of partition: TopicPartition) -> [Record] {
        read { topics[partition.topic]?[Int(partition.partition)].records.filter { !$0.isMark } ?? [] }
    }

    public func partitionCount(of topic: String) -> Int { read { topics[topic]?.count ?? 0 } }

    public func end(of partition: TopicPartition) -> NextOffset {
        read { NextOffset(stored: topics[partition.topic]?[Int(partition.partition)].end ?? 0) }
    }

    // MARK: Accidents

    /// Retention: everything before `offset` is gone.
    public func deleteRecords(of partition: TopicPartition, before offset: Int64) {
        change {
            guard var p = topics[partition.topic]?[Int(partition.partition)] else { return }
            let count = Int(max(0, min(offset, p.end) - p.start))
            p.records.removeFirst(count)
            p.start += Int64(count)
            topics[partition.topic]?[Int(partition.partition)] = p
        }
    }

    /// The tail from `offset` on is lost.
    public func truncate(_ partition: TopicPartition, to offset: Int64) {
        change {
            guard var p = topics[partition.topic]?[Int(partition.partition)] else { return }
            p.records.removeLast(Int(max(0, p.end - max(offset, p.start))))
            topics[partition.topic]?[Int(partition.partition)] = p
        }
    }

    /// Another cluster answers at the same address.
    public func become(_ identity: LogIdentity) { change { self.identity = identity } }

    /// The broker goes away and comes back: every call of a consumer throws `.kafka`/`.backoff` meanwhile.
    public func setAway(_ away: Bool) { change { isAway = away } }

    /// Polls find nothing for a while, and rebalances go on: lets a test append and delete in one step.
    public func pauseFetching(_ paused: Bool) { change { isQuiet = paused } }

    /// The next `count` questions (identity, watermarks, marks, seeks) fail with `.kafka`/`.backoff`; polls go on.
    public func breakQueries(_ count: Int) { change { brokenQueries = count } }

    /// The next `count` attempts to fence a former producer fail with `.kafka`/`.backoff`.
    public func breakFences(_ count: Int) { change { brokenFences = count } }
    /// How many of them are still to come.
    public var fencesToBreak: Int { read { brokenFences } }

    /// After a seek the next fetch also hands out so many records before the new position.
    public func handOutStaleRecords(_ count: Int) { change { staleAfterSeek = count } }

    /// Offsets that are committed without records are refused for a while, with `.kafka`/`.backoff`.
    public func refuseGroupOffsets(_ refused: Bool) { change { refusesGroupOffsets = refused } }
    /// How often that happened.
    public var refusedGroupOffsets: Int { read { groupOffsetRefusals } }

    /// Group offsets as lag tools would see them; a test may write nonsense here.
    public func groupOffsets(of group: String) -> [TopicPartition: GroupOffset] {
        read { groupOffsets[group] ?? [:] }
    }
    public func setGroupOffsets(_ offsets: [TopicPartition: GroupOffset], of group: String) {
        change { groupOffsets[group] = offsets }
    }

    /// Does these, one a question, before a consumer's next questions for group offsets are answered: what other workers do in the
    /// middle of its takeover.
    public func beforeGroupOffsetsAreRead(_ events: [@Sendable () -> Void]) { change { meanwhile = events } }
    /// How many of them have not come yet.
    public var groupOffsetsToBeRead: Int { read { meanwhile.count } }

    /// Somebody does something once, just before a member hears that partitions are taken from it.
    public func beforeARevocation(_ body: @escaping @Sendable () -> Void) { change { beforeAnswer = body } }

    /// True when a poll has come back for more after it had read everything that is in the partition now.
    public func polledPastEnd(_ partition: TopicPartition) -> Bool {
        read { drained[partition] == topics[partition.topic]?[Int(partition.partition)].end }
    }

    /// How many records polls have handed out, repeats included.
    public var recordsHandedOut: Int { read { handed } }

    /// All positions that consumers were moved to by seeking, in order.
    public func seeks(of partition: TopicPartition) -> [NextOffset] { read { seeks[partition] ?? [] } }
}
