import CRdkafka
import EgizCore
import EgizTwin
import Logging

/// Reads single records by offset, outside of any group: a client of its own, so that the group's prefetched
/// records stay where they are. Short-lived; confined to the stream thread.
final class RecordProbe {
    private let client: KafkaClient
    /// Kept from one look to the next: a new handle waits some hundred milliseconds for the leaders of its topic, and a takeover
    /// looks at a record of each partition.
    private var topics: [String: OpaquePointer] = [:]

    /// A client with the same brokers and credentials as the consumer's `properties`.
    init(like properties: [String: String], log: Logger) throws(EngineError) {
        var own = properties
        for name in [
            "group.id", "partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms",
            "max.poll.interval.ms", "group.instance.id",
        ] { own[name] = nil }
        // One record is wanted, and the end of the log is an answer.
        own["enable.partition.eof"] = "true"
        own["queued.min.messages"] = "1"
        own["queued.max.messages.kbytes"] = "1024"
        own["auto.offset.reset"] = "error"
        client = try KafkaClient(.consumer, properties: own, log: log)
    }

    deinit { for topic in topics.values { rd_kafka_topic_destroy(topic) } }

    /// The records at these offsets; those that the log does not have (compacted, a transaction marker, past the end) are left out.
    ///
    /// All partitions are asked at once: one after another each costs some hundred milliseconds, and a takeover that lasts longer than
    /// the session loses what it took over.
    func marks(
        at offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant
    ) throws(EngineError) -> [TopicPartition: RecordMark] {
        guard let queue = rd_kafka_queue_new(client.raw) else {
            throw EngineError.kafka(rd_kafka_last_error(), "records cannot be read")
        }
        var started: [(topic: OpaquePointer, partition: Int32)] = []
        defer {
            for (topic, partition) in started { rd_kafka_consume_stop(topic, partition) }
            rd_kafka_queue_destroy(queue)
        }
        for (partition, offset) in offsets {
            guard let topic = topics[partition.topic] ?? rd_kafka_topic_new(client.raw, partition.topic, nil) else {
                throw EngineError.kafka(rd_kafka_last_error(), "\(partition) cannot be read")
            }
            topics[partition.topic] = topic
            guard rd_kafka_consume_start_queue(topic, partition.partition, offset, queue) == 0 else {
                throw EngineError.kafka(rd_kafka_last_error(), "\(partition) cannot be read")
            }
            started.append((topic, partition.partition))
        }
        var open = offsets
        var marks: [TopicPartition: RecordMark] = [:]
        while let (missing, offset) = open.first {
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                throw EngineError(
                    .kafka, .backoff,
                    "the record at offset \(offset) of \(missing) did not arrive in time; "
                        + "check that Kafka runs", detail: RD_KAFKA_RESP_ERR__TIMED_OUT.name)
            }
            guard let message = rd_kafka_consume_queue(queue, min(left, .milliseconds(500)).milliseconds32) else {
                rd_kafka_poll(client.raw, 0)
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            let name = message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) }
            let partition = TopicPartition(name ?? "", message.pointee.partition)
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                // Only the first record of a partition is an answer.
                guard let wanted = open.removeValue(forKey: partition) else { continue }
                if message.pointee.offset == wanted {
                    marks[partition] = RecordMark(of: KafkaRecordBatch.record(message, topic: 0))
                }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
                RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                open[partition] = nil
            case let code where code.retry != .backoff:
                throw EngineError.kafka(code, "records of \(name ?? "the log") cannot be read")
            default:
                continue
            }
        }
        return marks
    }
}
