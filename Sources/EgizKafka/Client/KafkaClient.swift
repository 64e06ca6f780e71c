import CRdkafka
import EgizCore
import Logging

/// Owns one librdkafka handle and frees it with the last reference.
///
/// Whoever holds something that points into the handle (a batch) holds the client as well, so the order of
/// destruction follows from ownership. `rd_kafka_destroy` joins librdkafka's threads: it may block for some
/// milliseconds on the thread that lets go last, so only stream threads and tools own clients, never the task pool.
///
/// Unchecked: the pointer never changes and librdkafka's handle is thread-safe.
final class KafkaClient: @unchecked Sendable {
    enum Role { case consumer, producer }

    let raw: OpaquePointer
    let events: ClientEvents
    /// Set when the group was left: nothing can be asked of it any more.
    let hasLeftGroup = StopFlag()
    private let isConsumer: Bool

    private let context: CallbackContext

    init(
        _ role: Role, properties: [String: String], log: Logger, rebalance: RebalanceContext? = nil,
        deliveries: (any DeliveryReceiver)? = nil
    ) throws(EngineError) {
        events = ClientEvents(log: log)
        context = CallbackContext(events: events, rebalance: rebalance, deliveries: deliveries)
        isConsumer = role == .consumer
        let config = ConfigHandle()
        try config.set(properties)
        context.register(in: config)
        var errstr = [CChar](repeating: 0, count: 512)
        let copy = config.duplicate()
        guard let handle = rd_kafka_new(isConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, copy, &errstr, errstr.count)
        else {
            rd_kafka_conf_destroy(copy)
            throw EngineError(
                .config, .stop,
                "librdkafka \(KafkaVersion.text) refuses the configuration: \(String(cBuffer: errstr)); correct `kafka:`"
            )
        }
        raw = handle
    }

    /// A client that reads as a member of a group.
    static func groupMember(
        properties: [String: String], log: Logger, rebalance: RebalanceContext
    ) throws(EngineError) -> KafkaClient {
        let client = try KafkaClient(.consumer, properties: properties, log: log, rebalance: rebalance)
        // All queues into one, so that a single poll serves records, rebalances and client errors.
        rd_kafka_poll_set_consumer(client.raw)
        return client
    }

    deinit {
        // The group was left in close(); a client that was never closed must not wait for it here either.
        rd_kafka_destroy_flags(raw, isConsumer ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0)
    }
}
