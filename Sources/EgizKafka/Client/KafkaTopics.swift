import CRdkafka
public import EgizCore
public import Logging

/// Creates the topics a topology declares, and says which are not as declared. Blocks; safe from any thread.
public struct KafkaTopics: Sendable {
    /// A topic as it should be.
    public struct Declaration: Sendable {
        public var name: String
        /// nil: the broker's default.
        public var partitions: Int32?
        /// Kafka topic configuration such as `retention.ms`; used only when the topic is created.
        public var config: [String: String]

        public init(name: String, partitions: Int32?, config: [String: String] = [:]) {
            self.name = name
            self.partitions = partitions
            self.config = config
        }
    }

    /// What `ensure` found and did.
    public struct Report: Sendable {
        public struct Difference: Sendable, Hashable {
            public var topic: String
            public var declared: Int32
            public var found: Int32

            public init(topic: String, declared: Int32, found: Int32) {
                self.topic = topic
                self.declared = declared
                self.found = found
            }
        }

        /// Made now, as declared.
        public var created: [String] = []
        /// Made now by the broker itself, with its own number of partitions: it has no CreateTopics (the embedded one).
        public var createdByBroker: [String] = []
        /// Topics whose number of partitions is not the declared one. Nothing was changed about them.
        public var differences: [Difference] = []
        /// Partitions of every declared topic.
        public var partitions: [String: Int32] = [:]
    }

    let client: KafkaClient

    /// `properties` are librdkafka's and win over our defaults. Errors: `.config`/`.stop`.
    public init(brokers: String, properties: [String: String] = [:], log: Logger) throws(EngineError) {
        // Consumer-only settings may stand in the same `kafka:`; librdkafka logs and ignores what a producer has no use for.
        client = try KafkaClient(
            .producer, properties: try KafkaDefaults.merge(KafkaDefaults.client(brokers: brokers), properties), log: log
        )
    }

    /// Asks through a client that is there already.
    init(through client: KafkaClient) { self.client = client }

    /// Creates what is missing and waits until the cluster shows it.
    ///
    /// Errors: `.kafka`/`.backoff` where the broker is away or a topic does not appear within `timeout`; `.kafka`/`.stop`
    /// where creating is not allowed.
    public func ensure(_ topics: [Declaration], timeout: Duration = .seconds(30)) throws(EngineError) -> Report {
        let deadline = ContinuousClock.now + timeout
        var report = Report()
        var existing = try counts(until: deadline)
        let missing = topics.filter { existing[$0.name] == nil }
        if !missing.isEmpty {
            // The embedded broker has neither CreateTopics nor a controller to ask for it.
            let isEmbedded = existing.keys.contains { $0.hasPrefix(EmbeddedBroker.identityTopicPrefix) }
            for topic in missing {
                if isEmbedded {
                    try createByAsking(topic.name)
                    report.createdByBroker.append(topic.name)
                } else if try create(topic, timeout: deadline - .now) {
                    report.created.append(topic.name)
                } else {
                    report.createdByBroker.append(topic.name)
                }
            }
            existing = try waitFor(missing.map(\.name), deadline: deadline)
        }
        for topic in topics {
            guard let found = existing[topic.name] else { continue }
            report.partitions[topic.name] = found
            if let declared = topic.partitions, declared != found {
                report.differences.append(.init(topic: topic.name, declared: declared, found: found))
            }
        }
        return report
    }

    private func counts(until deadline: ContinuousClock.Instant) throws(EngineError) -> [String: Int32] {
        let left = deadline - ContinuousClock.now
        return try client.topicPartitionCounts(timeout: max(.milliseconds(1), min(left, .seconds(10))))
    }

    private func waitFor(
        _ names: [String], deadline: ContinuousClock.Instant
    ) throws(EngineError) -> [String: Int32] {
        while true {
            let found = try counts(until: deadline)
            let absent = names.filter { found[$0] == nil }
            if absent.isEmpty { return found }
            guard ContinuousClock.now < deadline else {
                throw EngineError(
                    .kafka, .backoff,
                    "Kafka does not show the topics \(absent.joined(separator: ", ")) yet; check that its brokers are healthy"
                )
            }
            // Serves log and error callbacks while the new topic spreads through the cluster.
            rd_kafka_poll(client.raw, 50)
        }
    }
}
