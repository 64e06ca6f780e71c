import EgizCore
import EgizHTTP
import EgizKafka
import EgizRuntime
import Foundation
import Logging

/// The ends of the log for the API: one consumer that never joins a group, asked on a queue of its own because it blocks.
///
/// Unchecked: `consumer` is touched on `queue` alone.
final class KafkaLag: LagProvider, @unchecked Sendable {
    private let queue = DispatchQueue(label: "egiz.lag")
    private let factory: KafkaConsumerFactory
    private var consumer: (any LogConsumer)?

    init(brokers: String, properties: [String: String], logger: Logger) {
        factory = KafkaConsumerFactory(brokers: brokers, properties: properties, log: logger)
    }

    func ends(of partitions: [TopicPartition]) async throws -> [TopicPartition: NextOffset] {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Result { try read(partitions) }) }
        }
    }

    private func read(_ partitions: [TopicPartition]) throws -> [TopicPartition: NextOffset] {
        let consumer = try self.consumer ?? factory.open(group: "egiz.lag", topics: [], properties: [:])
        self.consumer = consumer
        return try consumer.watermarks(of: partitions).mapValues(\.end)
    }
}
