import CRdkafka
public import EgizCore
public import EgizRuntime
public import Logging

/// One member of a consumer group on librdkafka. Every call belongs to one OS thread, which is the caller's.
///
/// Records are gathered by a loop of `rd_kafka_consumer_poll`: the batch call of librdkafka before 2.13.2 can lose or
/// resurrect messages around a rebalance, a seek or a pause, and costs only tens of nanoseconds less.
public final class KafkaConsumer: LogConsumer {
    public let topics: [String]

    let group: String
    let log: Logger
    let properties: [String: String]
    /// Replaced after a long outage; batches keep the one they came from.
    var client: KafkaClient
    /// What the rebalance callback needs; retained here, so it outlives every callback.
    let rebalance: RebalanceContext

    /// Messages of the running poll that nobody has seen yet.
    var gathered: [KafkaRecordBatch.Message] = []
    /// Where the client said that a partition ends, after it had handed over everything before.
    var ends: [TopicPartition: Int64] = [:]
    /// An error met behind records that had to be delivered first.
    var pendingError: EngineError?
    /// Reads single records (`mark`); opened when needed, closed by the next poll.
    var probe: RecordProbe?
    var isSubscribed = false
    var isClosed = false
    var cachedIdentity: LogIdentity?
    /// The log changed under us: nothing is handed over before the group has assigned partitions again.
    var isAwaitingAssignment = false
    /// Set when all brokers went away, until partitions are assigned again.
    var outage: Outage?
    /// All brokers are on this machine, so the broker can be the embedded one.
    let mayBeEmbedded: Bool
    /// The identity of the embedded log that the assignment belongs to; nil for a real Kafka.
    var embeddedLog: String?
    /// The `ClientEvents.disconnects` up to which the log is known to be the same.
    var verifiedDisconnects = 0
    /// A record that came after a broken connection was thrown away: the fetch position is wrong.
    var hasDroppedDoubtful = false
    /// The `ClientEvents.clusterGeneration` that the current assignment belongs to.
    var clusterGeneration = 0

    /// `properties` win over our defaults; see `KafkaDefaults`. Errors: `.config`/`.stop`.
    public init(
        brokers: String, group: String, topics: [String], properties: [String: String], log: Logger
    ) throws(EngineError) {
        var defaults = KafkaDefaults.consumer(brokers: brokers, group: group)
        defaults.merge(KafkaDefaults.prefetch(hasShortBackoff: KafkaVersion.isAtLeast(2, 2, 0))) { _, new in new }
        var log = log
        log[metadataKey: "kafka.group"] = "\(group)"
        let context = RebalanceContext()
        self.properties = try KafkaDefaults.merge(defaults, properties)
        if self.properties["partition.assignment.strategy"]?.contains("cooperative") == true,
            !KafkaVersion.isAtLeast(2, 10, 0)
        {
            throw EngineError(
                .config, .stop,
                "cooperative-sticky needs librdkafka 2.10, this is \(KafkaVersion.text); use `range`")
        }
        self.topics = topics
        mayBeEmbedded = KafkaDefaults.isLoopback(brokers)
        self.group = group
        self.log = log
        rebalance = context
        client = try KafkaClient.groupMember(properties: self.properties, log: log, rebalance: context)
        context.consumer = self
    }

    deinit {
        discardGathered { _ in true }
    }

    func requireOpen() throws(EngineError) {
        if isClosed { throw EngineError(.bug, .stop, "the consumer of group \(group) was used after close()") }
    }
}
