import EgizCore
import EgizRuntime
import EgizTwin

@testable import EgizKafka

/// One publishing worker for a test: a member of a group that reads `in` and also sees what comes out in `out`.
final class OutputLine {
    let cluster: TestCluster
    let member: GroupMember
    let id: String
    private let source: TopicPartition

    init(partitions: Int32 = 1) throws {
        cluster = try TestCluster([("in", 1), ("out", partitions)])
        member = try cluster.member(["in", "out"])
        id = "outputs-\(cluster.suffix)"
        source = TopicPartition(cluster.topic("in"), 0)
    }

    /// Waits until the group has let the member in.
    func join() -> Bool { poll([member]) { member.owned.count >= 2 } }

    func producer(
        _ properties: [String: String] = [:], transactional: Bool = true, deadlines: OutputDeadlines = OutputDeadlines()
    ) throws -> KafkaOutputProducer {
        let producer = try KafkaOutputProducerFactory(brokers: cluster.brokers, log: TestCluster.log)
            .producer(transactional ? id : nil, properties, deadlines)
        try producer.initialize()
        return producer
    }

    func records(_ range: Range<Int>, size: Int = 0, topic: String = "out") -> [OutputRecord] {
        range.map { n in
            OutputRecord(
                topic: cluster.topic(topic), key: Array("org:k\(n % 7)".utf8),
                value: Array("v\(n)".utf8) + [UInt8](repeating: 46, count: size),
                headers: [.init(name: "n", value: Array("\(n)".utf8))], id: "t/s/x/0@i/\(n)/0",
                time: 1_700_000_000_000_000 + Int64(n) * 1000)
        }
    }

    func offsets(_ next: Int64, epoch: Int) -> [TopicPartition: GroupOffset] {
        [source: GroupOffset(next: NextOffset(stored: next), metadata: "egiz:1:7:\(epoch)")]
    }

    func evidence() throws -> GroupOffset? { try member.consumer.groupOffsets(of: [source])[source] }

    /// The `n` headers of what is in `out`, once `count` of them are.
    func published(_ count: Int) -> [String] {
        let isHere = poll([member]) { outputs.count >= count }
        return isHere ? outputs.map { $0.headers.first ?? "" } : []
    }

    var outputs: [GroupMember.Seen] { member.records.filter { $0.topic == 1 } }

    func close(_ producer: KafkaOutputProducer) {
        producer.close()
        member.close()
    }
}

extension PublishOutcome {
    var isPublished: Bool { if case .published = self { true } else { false } }
    var isFenced: Bool { if case .fenced = self { true } else { false } }
    var isOutdated: Bool { if case .outdated = self { true } else { false } }
    var refused: [Int: EngineError]? { if case .refused(let refused) = self { refused } else { nil } }
}

/// Kafka's error numbers that tests put into answers.
enum KafkaCode {
    static let messageTooLarge: Int32 = 10
    static let notLeader: Int32 = 6
    static let loadInProgress: Int32 = 14
    static let illegalGeneration: Int32 = 22
    static let unknownMember: Int32 = 25
    static let topicAuthorizationFailed: Int32 = 29
    static let policyViolation: Int32 = 44
    static let invalidProducerEpoch: Int32 = 47
    static let concurrentTransactions: Int32 = 51
}
