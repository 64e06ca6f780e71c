import EgizCore
import EgizKafka
import EgizRuntime
import Testing

@Suite struct BrokerAwayTests {
    @Test func aBrokerThatComesLaterIsFound() async throws {
        try await blocking {
            let port = try TestPorts.free()
            let member = try GroupMember(brokers: "127.0.0.1:\(port)", group: "g", topics: ["t"])
            #expect(poll([member], within: .seconds(10)) { !member.errors.isEmpty })
            #expect(member.errors.allSatisfy { $0.code == .kafka && $0.retry == .backoff })
            #expect(throws: EngineError.self) { try member.consumer.partitionCounts() }

            let broker = try EmbeddedBroker(topics: [("t", 2)], port: port, log: TestCluster.log)
            #expect(broker.portNotice == nil)
            let producer = try KafkaProducer(brokers: broker.bootstrap, log: TestCluster.log)
            try producer.send(topic: "t", value: [65])
            #expect(producer.flush(timeout: .seconds(20)))
            #expect(poll([member]) { member.records.count == 1 })
            member.close()
            producer.close(timeout: .seconds(1))
            broker.stop()
        }
    }

    @Test func closingIsBoundedWhenTheBrokerIsGone() async throws {
        try await blocking {
            let broker = try EmbeddedBroker(topics: [("t", 2)], port: nil, log: TestCluster.log)
            let member = try GroupMember(brokers: broker.bootstrap, group: "g", topics: ["t"])
            #expect(poll([member]) { member.owned.count == 2 })
            broker.stop()
            broker.stop()
            let begin = ContinuousClock.now
            member.close()
            #expect(ContinuousClock.now - begin < .seconds(20))
            #expect(member.owned.isEmpty)
        }
    }

    @Test func aTopicThatDoesNotExistYetIsReadOnceItDoes() async throws {
        try await blocking {
            let broker = try EmbeddedBroker(topics: [("t", 1)], port: nil, log: TestCluster.log)
            let member = try GroupMember(brokers: broker.bootstrap, group: "g", topics: ["t", "later"])
            #expect(poll([member]) { !member.owned.isEmpty })
            // The embedded broker makes a topic that is asked for; it has its own four partitions.
            #expect(poll([member]) { member.owned.count == 5 })
            member.close()
            broker.stop()
        }
    }
}
