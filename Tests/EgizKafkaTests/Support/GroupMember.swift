import EgizCore
import EgizKafka
import EgizRuntime
import EgizTwin
import Foundation

/// A consumer with a listener that writes down everything it is told.
final class GroupMember: AssignmentListener {
    typealias Start = ([TopicPartition]) -> [TopicPartition: NextOffset]

    enum Event: Equatable {
        case assigned([TopicPartition])
        case revoked([TopicPartition], lost: Bool)
    }

    struct Seen: Equatable {
        var topic: Int
        var partition: Int32
        var offset: Int64
        var time: Int64
        var key: String?
        var value: String?
        var headers: [String]
        var mark: RecordMark
        /// How often partitions had been assigned when it came.
        var assignment: Int
    }

    let consumer: any LogConsumer
    var start: Start?
    var events: [Event] = []
    var owned: Set<TopicPartition> = []
    var records: [Seen] = []
    var errors: [EngineError] = []
    /// Records of partitions that were not ours when they came; must stay zero.
    var strays = 0
    var assignments = 0
    var listenerThreads: Set<UInt> = []

    init(
        brokers: String, group: String, topics: [String], properties: [String: String] = [:], start: Start? = nil
    ) throws {
        let own = ["session.timeout.ms": TestCluster.sessionTimeout].merging(properties) { _, new in new }
        consumer = try KafkaConsumerFactory(brokers: brokers, log: TestCluster.log)
            .open(group: group, topics: topics, properties: own)
        self.start = start
    }

    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: NextOffset] {
        listenerThreads.insert(UInt(bitPattern: ObjectIdentifier(Thread.current).hashValue))
        events.append(.assigned(partitions))
        owned.formUnion(partitions)
        assignments += 1
        if let start { return start(partitions) }
        return Dictionary(uniqueKeysWithValues: partitions.map { ($0, NextOffset(stored: 0)) })
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool) {
        listenerThreads.insert(UInt(bitPattern: ObjectIdentifier(Thread.current).hashValue))
        events.append(.revoked(partitions, lost: lost))
        owned.subtract(partitions)
    }

    func poll(_ timeout: Duration = .milliseconds(50), limit: Int = 1000) {
        do {
            guard let batch = try consumer.poll(limit: limit, timeout: timeout, listener: self) else { return }
            for i in 0..<batch.count {
                let record = batch.record(at: i)
                if !owned.contains(TopicPartition(consumer.topics[record.topic], record.partition)) { strays += 1 }
                records.append(
                    Seen(
                        topic: record.topic, partition: record.partition, offset: record.offset,
                        time: record.timestamp.microseconds,
                        key: record.key.map { String(decoding: $0, as: UTF8.self) },
                        value: record.value.map { String(decoding: $0, as: UTF8.self) },
                        headers: batch.headers(at: i).map { header in
                            "\(header.name)=\(header.value.map { String(decoding: $0, as: UTF8.self) } ?? "nil")"
                        }, mark: RecordMark(of: record), assignment: assignments))
            }
        } catch {
            errors.append(error)
        }
    }

    func close() { consumer.close(listener: self) }
}

/// Polls the members in turn until the condition holds; false where it does not within the time.
func poll(
    _ members: [GroupMember], within limit: Duration = .seconds(40), until isDone: () -> Bool
) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !isDone() {
        if ContinuousClock.now > deadline { return false }
        for member in members { member.poll() }
    }
    return true
}
