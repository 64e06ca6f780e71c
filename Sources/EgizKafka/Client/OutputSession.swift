import CRdkafka
import EgizCore
import Glibc
import Logging

/// One producer client of outboxes and where it stands. The client and its topics are freed with the last reference.
///
/// Unchecked: everything but `stop` belongs to the publishing thread.
final class OutputSession: @unchecked Sendable {
    let client: KafkaClient
    let ledger = OutputLedger()
    let isTransactional: Bool
    let deadlines: OutputDeadlines
    let log: Logger
    /// The size above which librdkafka refuses a record.
    let largestMessage: Int
    let stopping = StopFlag()

    var topics: [String: OpaquePointer] = [:]
    /// Topics that were seen to exist.
    var knownTopics: Set<String> = []
    /// See `BatchCuts.limits`.
    var batchLimits: [String: Int] = [:]
    /// A transaction is left over that could not be aborted in time; nothing may begin before it is.
    var mustAbort = false
    /// The failure after which this client does nothing more.
    var death: TransactionFailure?

    private let mayBeEmbedded: Bool
    private var embedded: (isEmbedded: Bool, disconnects: Int)?
    private var isInitialized = false

    init(
        properties: [String: String], isTransactional: Bool, mayBeEmbedded: Bool, deadlines: OutputDeadlines,
        log: Logger
    ) throws(EngineError) {
        self.isTransactional = isTransactional
        self.mayBeEmbedded = mayBeEmbedded
        self.deadlines = deadlines
        self.log = log
        largestMessage = properties["message.max.bytes"].flatMap(Int.init) ?? 1_000_000
        client = try KafkaClient(.producer, properties: properties, log: log, deliveries: ledger)
    }

    deinit {
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
    }

    /// Ends what is under way. From any thread.
    func stop() {
        stopping.set()
        rd_kafka_purge(
            client.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    }

    func initialize() throws(EngineError) {
        if !isTransactional || isInitialized { return }
        let deadline = ContinuousClock.now + deadlines.initialize
        while true {
            try requireAlive()
            // In slices, so that stop() is heard: the call goes on in the background and may be repeated.
            guard let error = rd_kafka_init_transactions(client.raw, 1000) else { break }
            let failure = TransactionFailure(consuming: error, of: client)
            let what = "the transactional producer cannot begin"
            if failure.consequence == .fatal {
                death = failure
                throw failure.error(what)
            }
            if failure.code.retry == .stop || ContinuousClock.now >= deadline { throw failure.error(what) }
            pause()
        }
        isInitialized = true
    }

    func requireInitialized() throws(EngineError) {
        if isTransactional, !isInitialized {
            throw EngineError(.bug, .stop, "an output producer was used before initialize()")
        }
    }

    func requireAlive() throws(EngineError) {
        if stopping.isSet { throw EngineError(.kafka, .backoff, "the output producer was closed meanwhile") }
    }

    /// Waits a moment before a call is made again, and serves librdkafka's callbacks.
    func pause() { rd_kafka_poll(client.raw, 50) }

    /// Whether the embedded broker answers, which stores no offsets in transactions. Asked again after a broken connection.
    func isEmbedded() throws(EngineError) -> Bool {
        guard mayBeEmbedded else { return false }
        let disconnects = client.events.disconnects
        if let embedded, embedded.disconnects == disconnects { return embedded.isEmbedded }
        let found = try client.embeddedLog(timeout: KafkaConsumer.requestTimeout) != nil
        embedded = (found, disconnects)
        return found
    }
}
