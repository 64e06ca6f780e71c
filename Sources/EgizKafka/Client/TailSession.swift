import CRdkafka
import EgizCore
import EgizRuntime
import EgizTwin
import Logging

/// One life of a tail: from its first look at the topics until the log is another one. Confined to the tail's queue.
final class TailSession {
    private static let requestTimeout = Duration.seconds(10)
    /// Of a batch.
    private static let mostBytes = 16 << 20

    private let client: KafkaClient
    private let prefixes: [String]
    private let behind: Int64
    private let lookInterval: Duration
    private let log: String
    private var assigned: [TopicPartition: Int64] = [:]
    private var nextLook: ContinuousClock.Instant
    private let clusterGeneration: Int
    private var disconnects: Int
    /// What it has read is not followed by what it would read next.
    private(set) var isLost = false
    private var started: [TopicPartition: NextOffset] = [:]
    private var ends: [TopicPartition: NextOffset] = [:]
    private var hasLooked = false
    /// No batch was handed over yet: the first says that it begins another log, however many attempts it takes.
    private var isNew = true
    private var bytes = 0
    /// Met behind records that had to be handed over first.
    private var pendingError: EngineError?

    init(
        properties: [String: String], prefixes: [String], behind: Int64, lookInterval: Duration, log: Logger
    ) throws(EngineError) {
        self.prefixes = prefixes
        self.behind = behind
        self.lookInterval = lookInterval
        client = try KafkaClient.groupMember(properties: properties, log: log, rebalance: RebalanceContext())
        if let embedded = try client.embeddedLog(timeout: Self.requestTimeout) {
            self.log = embedded
        } else {
            self.log = try Self.clusterID(client)
        }
        clusterGeneration = client.events.clusterGeneration
        disconnects = client.events.disconnects
        nextLook = .now
        try look()
    }

    private static func clusterID(_ client: KafkaClient) throws(EngineError) -> String {
        guard let id = rd_kafka_clusterid(client.raw, requestTimeout.milliseconds32) else {
            throw EngineError.kafka(RD_KAFKA_RESP_ERR__TIMED_OUT, "the cluster id of Kafka is not known")
        }
        defer { rd_kafka_mem_free(client.raw, id) }
        return String(cString: id)
    }

    func next(limit: Int, wait: Duration) throws(EngineError) -> TailBatch {
        if ContinuousClock.now >= nextLook { try look() }
        try checkLog()
        if let error = pendingError {
            pendingError = nil
            throw error
        }
        var batch = TailBatch(log: log)
        (batch.isNewLog, batch.started, batch.ends) = (isNew, started, ends)
        bytes = 0
        do throws(EngineError) {
            if let message = rd_kafka_consumer_poll(client.raw, wait.milliseconds32) {
                try take(message, &batch)
                while batch.records.count < limit, bytes < Self.mostBytes,
                    let message = rd_kafka_consumer_poll(client.raw, 0)
                {
                    try take(message, &batch)
                }
            }
        } catch {
            // What came before it is handed over first.
            if batch.records.isEmpty, batch.started.isEmpty { throw error }
            pendingError = error
        }
        (isNew, started, ends) = (false, [:], [:])
        return batch
    }

    /// Assigns partitions that are new. Those that are read already keep their place.
    private func look() throws(EngineError) {
        nextLook = .now + lookInterval
        var found: [TopicPartition] = []
        for (topic, count) in try client.topicPartitionCounts(timeout: Self.requestTimeout) {
            guard prefixes.contains(where: { topic.hasPrefix($0) }) else { continue }
            for number in 0..<count where assigned[TopicPartition(topic, number)] == nil {
                found.append(TopicPartition(topic, number))
            }
        }
        guard !found.isEmpty else {
            hasLooked = true
            return
        }
        var next = assigned
        var (starts, ends) = (started, self.ends)
        for (partition, marks) in try client.watermarks(of: found) {
            // A topic that appeared while we read is read from its beginning: nobody has missed any of it.
            let start = hasLooked ? marks.start.raw : max(marks.start.raw, marks.end.raw - behind)
            next[partition] = start
            starts[partition] = NextOffset(stored: start)
            if !hasLooked { ends[partition] = NextOffset(stored: marks.end.raw) }
        }
        let list = PartitionList(capacity: next.count)
        for (partition, offset) in next { list.add(partition, offset: offset) }
        let code = list.withRaw { rd_kafka_assign(client.raw, $0) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError.kafka(code, "the partitions to be tailed cannot be assigned")
        }
        // Only now: what could not be assigned is looked for again.
        (assigned, started, self.ends, hasLooked) = (next, starts, ends, true)
    }

    /// Whether it is still the log that positions were taken from. An embedded broker that was restarted has another one behind the same
    /// address; asked only after a connection broke.
    private func checkLog() throws(EngineError) {
        if client.events.clusterGeneration != clusterGeneration { throw lost("another Kafka cluster answers") }
        let now = client.events.disconnects
        guard now != disconnects else { return }
        let present = try client.embeddedLog(timeout: Self.requestTimeout)
        if let present, present != log { throw lost("the embedded broker was restarted with an empty log") }
        disconnects = now
    }

    private func take(_ message: KafkaRecordBatch.Message, _ batch: inout TailBatch) throws(EngineError) {
        defer { rd_kafka_message_destroy(message) }
        let m = message.pointee
        let topic = m.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
        let partition = TopicPartition(topic, m.partition)
        switch m.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            let record = KafkaRecordBatch.record(message, topic: 0)
            assigned[partition] = m.offset + 1
            bytes += m.len + m.key_len
            batch.positions[partition] = NextOffset(after: m.offset)
            batch.records.append(
                .init(
                    partition: partition, offset: m.offset, key: record.key.map { Array($0) },
                    value: record.value.map { Array($0) }, time: record.timestamp.microseconds))
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            // Behind marks of transactions, which have offsets and no records.
            assigned[partition] = max(assigned[partition] ?? 0, m.offset)
            batch.positions[partition] = NextOffset(stored: assigned[partition] ?? m.offset)
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__NO_OFFSET:
            throw lost("\(partition) no longer has the records that were to be read next")
        case let code:
            let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? code.text
            throw EngineError.kafka(code, "\(partition) cannot be tailed: \(text)")
        }
    }

    private func lost(_ what: String) -> EngineError {
        isLost = true
        return EngineError(.gap, .backoff, "\(what): live push begins anew")
    }
}
