import EgizCore
import EgizKafka
import EgizRuntime
import Foundation
import Logging

/// Kafka for one test: an embedded broker of its own, or the real one that EGIZ_KAFKA_BROKERS names, with topics
/// whose names nobody else has.
final class TestCluster: Sendable {
    /// The embedded broker forms a group after three seconds and forgets members that are silent longer than this.
    static let sessionTimeout = "4000"
    static var external: String? {
        ProcessInfo.processInfo.environment["EGIZ_KAFKA_BROKERS"].flatMap { $0.isEmpty ? nil : $0 }
    }

    let brokers: String
    let broker: EmbeddedBroker?
    let suffix = UUID().uuidString.prefix(8).lowercased()

    /// Makes the topics; in names, the test's own suffix is added.
    init(_ topics: [(name: String, partitions: Int32)]) throws {
        let suffix = suffix
        let own = topics.map { (name: "\($0.name)-\(suffix)", partitions: $0.partitions) }
        if let external = Self.external {
            (brokers, broker) = (external, nil)
            _ = try KafkaTopics(brokers: external, log: Self.log)
                .ensure(own.map { .init(name: $0.name, partitions: $0.partitions) })
        } else {
            let embedded = try EmbeddedBroker(topics: own, port: nil, log: Self.log)
            (brokers, broker) = (embedded.bootstrap, embedded)
        }
    }

    static var log: Logger {
        var log = Logger(label: "egiz.kafka.tests", factory: { _ in SwiftLogNoOpLogHandler() })
        if ProcessInfo.processInfo.environment["EGIZ_TEST_LOG"] != nil { log = Logger(label: "egiz.kafka.tests") }
        return log
    }

    func topic(_ name: String) -> String { "\(name)-\(suffix)" }

    func producer(_ properties: [String: String] = [:]) throws -> KafkaProducer {
        try KafkaProducer(brokers: brokers, properties: properties, log: Self.log)
    }

    func member(_ topics: [String], group: String = "g", start: GroupMember.Start? = nil) throws -> GroupMember {
        try GroupMember(
            brokers: brokers, group: "\(group)-\(suffix)", topics: topics.map { topic($0) }, start: start)
    }
}
