import EgizCore
import EgizHTTP
import EgizKafka
import Foundation
import Logging

/// Notifications to Kafka, all to the first partition of their topic, so that their order is one.
///
/// Unchecked: used by one thread at a time, as its protocol says.
final class KafkaNotifications: NotificationSink, @unchecked Sendable {
    private static let timeout: Duration = .seconds(10)

    private let brokers: String
    private let properties: [String: String]
    private let logger: Logger
    private var producer: KafkaProducer?
    /// Topics that are known to be there.
    private var ensured: Set<String> = []

    init(brokers: String, properties: [String: String], logger: Logger) {
        (self.brokers, self.properties, self.logger) = (brokers, properties, logger)
    }

    func prepare(_ topic: String) throws {
        guard !ensured.contains(topic) else { return }
        let admin = try KafkaTopics(brokers: brokers, properties: properties, log: logger)
        _ = try admin.ensure([.init(name: topic, partitions: 1, config: [:])])
        ensured.insert(topic)
    }

    func publish(_ records: [(key: String, value: [UInt8])], to topic: String) throws {
        try prepare(topic)
        let producer = try self.producer ?? KafkaProducer(brokers: brokers, properties: properties, log: logger)
        self.producer = producer
        let failed = producer.deliveries.failed
        for record in records {
            try producer.send(
                topic: topic, partition: 0, key: Array(record.key.utf8), value: record.value, timeout: Self.timeout)
        }
        guard producer.flush(timeout: Self.timeout), producer.deliveries.failed == failed else {
            // What is still under way would overtake what is sent again.
            producer.close(timeout: .zero)
            self.producer = nil
            throw producer.deliveries.firstFailure
                ?? EngineError(.kafka, .backoff, "Kafka at \(brokers) did not take notifications for \(topic) in time")
        }
    }
}
