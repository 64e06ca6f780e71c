public import EgizCore
public import EgizRuntime
public import Logging

/// Opens consumers of one Kafka cluster. Safe from any thread.
public struct KafkaConsumerFactory: LogConsumerFactory {
    public let brokers: String
    private let properties: [String: String]
    private let log: Logger

    /// `brokers` is a list such as `kafka-1:9092,kafka-2:9092`; `properties` are librdkafka's own (TLS, SASL, …) and win
    /// over our defaults.
    public init(brokers: String, properties: [String: String] = [:], log: Logger) {
        self.brokers = brokers
        self.properties = properties
        self.log = log
    }

    public func open(
        group: String, topics: [String], properties: [String: String]
    ) throws(EngineError) -> any LogConsumer {
        try KafkaConsumer(
            brokers: brokers, group: group, topics: topics,
            properties: self.properties.merging(properties) { _, topology in topology }, log: log)
    }
}
