import CRdkafka
public import EgizCore
public import EgizTwin
public import Logging
import Synchronization

/// An idempotent producer with the log's partitioner (`murmur2_random`). Thread-safe.
///
/// `send` copies the record into librdkafka's queue and returns; a thread of its own collects the delivery reports.
public final class KafkaProducer: Sendable {
    /// What became of the records sent so far; the rest is still under way.
    public struct Deliveries: Sendable {
        public var delivered: Int64
        public var failed: Int64
        public var firstFailure: EngineError?
    }

    /// A topic handle of librdkafka; unchecked because the C library locks it itself.
    private struct TopicHandle: @unchecked Sendable {
        let raw: OpaquePointer
    }

    private struct State {
        var topics: [String: TopicHandle] = [:]
        var thread: OSThread?
        var isClosed = false
    }

    private let client: KafkaClient
    private let ledger: DeliveryLedger
    private let state = Mutex(State())
    private let stopping = StopFlag()

    /// `properties` are librdkafka's and win over our defaults. `onFailure` is called on the producer's own thread for each
    /// record that could not be delivered. Errors: `.config`/`.stop`.
    public init(
        brokers: String, properties: [String: String] = [:], log: Logger,
        onFailure: (@Sendable (EngineError) -> Void)? = nil
    ) throws(EngineError) {
        ledger = DeliveryLedger(onFailure: onFailure)
        client = try KafkaClient(
            .producer, properties: try KafkaDefaults.merge(KafkaDefaults.producer(brokers: brokers), properties),
            log: log, deliveries: ledger)
    }

    deinit { close(timeout: .zero) }

    public var deliveries: Deliveries {
        let counts = ledger.counts
        return Deliveries(delivered: counts.delivered, failed: counts.failed, firstFailure: counts.firstFailure)
    }

    /// Records accepted by `send` whose fate is not known yet.
    public var pending: Int { Int(rd_kafka_outq_len(client.raw)) }

    /// Queues one record. A nil value is a tombstone; without `partition` the key decides, and without a key chance does.
    /// `timestamp` has a resolution of one millisecond; nil is now.
    ///
    /// Where the queue is full this waits for room, up to `timeout`. Errors: `.kafka`/`.backoff` where there is none
    /// (Kafka is away), `.kafka`/`.never` for a record that is too large, `.kafka`/`.stop` for a fatal error.
    public func send(
        topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?,
        headers: [DeadLetter.Header] = [], timestamp: EventTime? = nil, timeout: Duration = .seconds(60)
    ) throws(EngineError) {
        let handle = try open(topic)
        var deadline: ContinuousClock.Instant?
        while true {
            let error = client.produce(
                handle, partition: partition, key: key, value: value, headers: headers,
                milliseconds: timestamp.map { $0.microseconds / 1000 })
            guard let error else { return }
            let limit = deadline ?? (.now + timeout)
            deadline = limit
            // librdkafka says that a full queue is not retriable; it is, once reports are collected.
            guard rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < limit,
                !stopping.isSet
            else {
                throw EngineError.kafka(consuming: error, "a record for \(topic) was not accepted")
            }
            rd_kafka_error_destroy(error)
            rd_kafka_poll(client.raw, 10)
        }
    }

    /// Waits until every record sent before is delivered or has failed. False where some are still under way.
    @discardableResult
    public func flush(timeout: Duration) -> Bool {
        rd_kafka_flush(client.raw, timeout.milliseconds32) == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Flushes for at most `timeout`, drops what is left and stops the thread. Idempotent; `send` throws afterwards.
    public func close(timeout: Duration) {
        let (thread, topics) = state.withLock { state -> (OSThread?, [TopicHandle]) in
            defer { (state.thread, state.topics, state.isClosed) = (nil, [:], true) }
            return (state.thread, Array(state.topics.values))
        }
        if timeout > .zero { flush(timeout: timeout) }
        stopping.set()
        thread?.join()
        for topic in topics { rd_kafka_topic_destroy(topic.raw) }
    }

    private func open(_ name: String) throws(EngineError) -> OpaquePointer {
        try state.withLock { state throws(EngineError) -> OpaquePointer in
            if state.isClosed {
                throw EngineError(.kafka, .stop, "the producer is closed; nothing can be sent to \(name)")
            }
            if state.thread == nil { state.thread = try collectReports() }
            if let topic = state.topics[name] { return topic.raw }
            guard let raw = rd_kafka_topic_new(client.raw, name, nil) else {
                throw EngineError.kafka(rd_kafka_last_error(), "the topic \(name) cannot be written")
            }
            state.topics[name] = TopicHandle(raw: raw)
            return raw
        }
    }

    private func collectReports() throws(EngineError) -> OSThread {
        // Without `self`: the thread must not be what keeps the producer alive, nor what frees it.
        try OSThread(name: "the Kafka producer") { [client, stopping] in
            // 50 ms bounds how long close() waits for the thread; a report is served at once.
            while !stopping.isSet {
                rd_kafka_poll(client.raw, 50)
            }
        }
    }
}
