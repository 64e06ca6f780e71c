import EgizCore
import EgizRuntime
import Testing

@testable import EgizKafka

@Suite struct GroupMembershipTests {
    @Test func groupOffsetsComeBackWithTheirMetadata() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.owned.count == 2 })
            let written = TopicPartition(cluster.topic("t"), 1)
            let offset = GroupOffset(next: NextOffset(stored: 42), metadata: "egiz:1:9:17")
            let membership = try member.consumer.membership()
            try membership.commit([written: offset])
            // The other partition has none.
            #expect(try member.consumer.groupOffsets(of: member.owned.sorted()) == [written: offset])
            let bare = GroupOffset(next: NextOffset(stored: 41), metadata: "")
            try membership.commit([written: bare])
            #expect(try member.consumer.groupOffsets(of: [written]) == [written: bare])
            member.close()
        }
    }

    @Test func aMembershipNeedsAGroupThatLetUsIn() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let member = try cluster.member(["t"])
            let error = #expect(throws: EngineError.self) { try member.consumer.membership() }
            #expect(error?.code == .kafka && error?.retry == .backoff)
            member.close()
        }
    }

    @Test func aMembershipOfAnEarlierGenerationWritesNothing() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            let first = try cluster.member(["t"])
            #expect(poll([first]) { first.owned.count == 2 })
            let partition = TopicPartition(cluster.topic("t"), 0)
            let old = try first.consumer.membership()
            let second = try cluster.member(["t"])
            #expect(poll([first, second]) { first.owned.count == 1 && second.owned.count == 1 })
            let offset = GroupOffset(next: NextOffset(stored: 5), metadata: "m")
            let error = #expect(throws: EngineError.self) { try old.commit([partition: offset]) }
            #expect(error?.code == .ownership && error?.retry == .backoff)
            #expect(try first.consumer.groupOffsets(of: [partition]).isEmpty)
            try first.consumer.membership().commit([partition: offset])
            #expect(try second.consumer.groupOffsets(of: [partition]) == [partition: offset])

            let last = try second.consumer.membership()
            second.close()
            let late = #expect(throws: EngineError.self) { try last.commit([partition: offset]) }
            #expect(late?.code == .ownership)
            first.close()
        }
    }

    @Test func aRevokedMemberCanStillWriteWhatItDrained() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.owned.count == 1 })
            let partition = TopicPartition(cluster.topic("t"), 0)
            let membership = try member.consumer.membership()
            let drain = Drain(member.consumer, membership, partition)
            member.consumer.close(listener: drain)
            #expect(drain.error == nil)
            let next = try cluster.member(["t"])
            #expect(poll([next]) { next.owned.count == 1 })
            #expect(try next.consumer.groupOffsets(of: [partition])[partition]?.metadata == "drained")
            next.close()
        }
    }

    @Test(.enabled(if: TestCluster.external == nil)) func whatTheGroupAnswersToACommitHasItsClass() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.owned.count == 1 })
            let broker = try #require(cluster.broker)
            let membership = try member.consumer.membership()
            let offset = [TopicPartition(cluster.topic("t"), 0): GroupOffset(next: NextOffset(stored: 1), metadata: "")]
            func answer(_ code: Int32) -> EngineError? {
                broker.answer(.offsetCommit, with: [code])
                return #expect(throws: EngineError.self) { try membership.commit(offset) }
            }
            let forbidden = answer(KafkaCode.topicAuthorizationFailed)
            #expect(forbidden?.code == .kafka && forbidden?.retry == .stop)
            // Last, because the client leaves its generation over it.
            let unknown = answer(KafkaCode.unknownMember)
            #expect(unknown?.code == .ownership && unknown?.retry == .backoff)
            member.close()
        }
    }
}

/// Writes a group offset while its partitions are being revoked.
private final class Drain: AssignmentListener {
    private let consumer: any LogConsumer
    private let membership: any GroupMembership
    private let partition: TopicPartition
    var error: EngineError?

    init(_ consumer: any LogConsumer, _ membership: any GroupMembership, _ partition: TopicPartition) {
        self.consumer = consumer
        self.membership = membership
        self.partition = partition
    }

    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: NextOffset] { [:] }

    func revoked(_ partitions: [TopicPartition], lost: Bool) {
        do throws(EngineError) {
            try membership.commit([partition: GroupOffset(next: NextOffset(stored: 3), metadata: "drained")])
        } catch {
            self.error = error
        }
    }
}
