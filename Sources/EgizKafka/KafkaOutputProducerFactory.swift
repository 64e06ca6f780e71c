public import EgizCore
public import EgizRuntime
public import Logging

/// Opens producers of outboxes to one Kafka cluster. Safe from any thread.
public struct KafkaOutputProducerFactory: OutputProducerFactory {
    public let brokers: String
    private let properties: [String: String]
    private let log: Logger

    /// As for `KafkaConsumerFactory`: `properties` win over our defaults, and a topology's over both. What only a consumer
    /// understands is left out.
    public init(brokers: String, properties: [String: String] = [:], log: Logger) {
        self.brokers = brokers
        self.properties = properties
        self.log = log
    }

    /// Errors: `.config`/`.stop`.
    public func openOutput(
        transactionalID: String?, properties: [String: String]
    ) throws(EngineError) -> any OutputProducer {
        try producer(transactionalID, properties, OutputDeadlines())
    }

    public func fence(transactionalID: String, properties: [String: String]) throws(EngineError) {
        var deadlines = OutputDeadlines()
        // A takeover waits for it, and its group for the takeover.
        deadlines.initialize = .seconds(20)
        let producer = try producer(transactionalID, properties, deadlines)
        defer { producer.close() }
        try producer.initialize()
    }

    public func largestRecord(properties: [String: String]) -> Int {
        let all = self.properties.merging(properties) { _, topology in topology }
        // The names that librdkafka has for it, and its default.
        let limit = (all["message.max.bytes"] ?? all["message.copy.max.bytes"]).flatMap(Int.init) ?? 1_000_000
        // Lengths of headers and the batch's own fields count, too.
        return max(1, limit - 512)
    }

    func producer(
        _ transactionalID: String?, _ properties: [String: String], _ deadlines: OutputDeadlines
    ) throws(EngineError) -> KafkaOutputProducer {
        let own = KafkaDefaults.withoutConsumerOnly(self.properties.merging(properties) { _, topology in topology })
        let merged = try KafkaDefaults.merge(
            KafkaDefaults.output(brokers: brokers, transactionalID: transactionalID), own)
        var log = log
        if let transactionalID { log[metadataKey: "kafka.transactional_id"] = "\(transactionalID)" }
        return KafkaOutputProducer(
            session: try OutputSession(
                properties: merged, isTransactional: transactionalID != nil,
                mayBeEmbedded: KafkaDefaults.isLoopback(brokers), deadlines: deadlines, log: log))
    }
}
