import EgizCore
import EgizKafka
import EgizRuntime
import Testing

@Suite struct KafkaTopicsTests {
    @Test func missingTopicsAppearAndDifferencesAreReported() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 3)])
            let topics = try KafkaTopics(brokers: cluster.brokers, log: TestCluster.log)
            let (old, new) = (cluster.topic("t"), cluster.topic("new"))
            let report = try topics.ensure([
                .init(name: old, partitions: 12), .init(name: new, partitions: 6, config: ["retention.ms": "86400000"]),
            ])
            #expect(report.partitions[old] == 3)
            #expect(report.differences.contains(.init(topic: old, declared: 12, found: 3)))
            if cluster.broker != nil {
                // No CreateTopics there: the broker makes it, with four partitions, and the report says so.
                #expect(report.createdByBroker == [new] && report.created.isEmpty)
                #expect(report.differences.contains(.init(topic: new, declared: 6, found: 4)))
            } else {
                #expect(report.created == [new] && report.createdByBroker.isEmpty)
                #expect(report.partitions[new] == 6)
            }
            let again = try topics.ensure([.init(name: new, partitions: nil)])
            #expect(again.created.isEmpty && again.createdByBroker.isEmpty && again.differences.isEmpty)
        }
    }

    @Test func topicsMadeBeforehandAreAsDeclared() async throws {
        try await blocking {
            let broker = try EmbeddedBroker(topics: [("t", 6)], port: nil, log: TestCluster.log)
            try broker.createTopic("late", partitions: 5)
            let report = try KafkaTopics(brokers: broker.bootstrap, log: TestCluster.log).ensure([
                .init(name: "t", partitions: 6), .init(name: "late", partitions: 5),
            ])
            #expect(report.differences.isEmpty)
            #expect(report.partitions == ["t": 6, "late": 5])
            broker.stop()
        }
    }

    @Test func aBrokerThatIsAwayIsATransientError() async throws {
        try await blocking {
            let port = try TestPorts.free()
            let topics = try KafkaTopics(brokers: "127.0.0.1:\(port)", log: TestCluster.log)
            let error = #expect(throws: EngineError.self) {
                try topics.ensure([.init(name: "t", partitions: 1)], timeout: .seconds(1))
            }
            #expect(error?.code == .kafka && error?.retry == .backoff)
        }
    }

    @Test(arguments: ["", ".", "a b", "ü", "a/b"])
    func namesThatKafkaRefusesAreRefused(_ name: String) throws {
        #expect(throws: EngineError.self) {
            try EmbeddedBroker(topics: [(name, 1)], port: nil, log: TestCluster.log)
        }
    }
}
