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

    /// The record at `offset`; nil where the log has none there (compacted, a transaction marker, or past the end).
    func mark(
        at offset: Int64, of partition: TopicPartition, deadline: ContinuousClock.Instant
    ) throws(EngineError) -> RecordMark? {
        guard let topic = topics[partition.topic] ?? rd_kafka_topic_new(client.raw, partition.topic, nil) else {
            throw EngineError.kafka(rd_kafka_last_error(), "\(partition) cannot be read")
        }
        topics[partition.topic] = topic
        guard rd_kafka_consume_start(topic, partition.partition, offset) == 0 else {
            throw EngineError.kafka(rd_kafka_last_error(), "\(partition) cannot be read")
        }
        defer { rd_kafka_consume_stop(topic, partition.partition) }
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                throw EngineError(
                    .kafka, .backoff,
                    "the record at offset \(offset) of \(partition) did not arrive in time; "
                        + "check that Kafka runs", detail: RD_KAFKA_RESP_ERR__TIMED_OUT.name)
            }
            guard
                let message = rd_kafka_consume(topic, partition.partition, min(left, .milliseconds(500)).milliseconds32)
            else {
                rd_kafka_poll(client.raw, 0)
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                guard message.pointee.offset == offset else { return nil }
                return RecordMark(of: KafkaRecordBatch.record(message, topic: 0))
            case RD_KAFKA_RESP_ERR__PARTITION_EOF, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
                RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                return nil
            case let code where code.retry != .backoff:
                throw EngineError.kafka(code, "the record at offset \(offset) of \(partition) cannot be read")
            default:
                continue
            }
        }
    }
}
