import CRdkafka
import EgizCore

/// What became of the records of one attempt to publish, by their place in the batch. Confined to the thread that polls.
final class OutputLedger: DeliveryReceiver {
    struct Failure {
        var index: Int
        var partition: TopicPartition
        var code: rd_kafka_resp_err_t
    }

    private(set) var acknowledged = 0
    /// In the order of the reports; without those that were only thrown away after another's failure.
    private(set) var failures: [Failure] = []
    private(set) var purged = 0
    private var attempt: UInt32 = 0

    /// Forgets everything; reports of earlier attempts that still come are not counted.
    func beginAttempt() {
        attempt &+= 1
        (acknowledged, purged) = (0, 0)
        failures.removeAll()
    }

    /// What librdkafka carries with the record: the attempt and the index, never followed as a pointer.
    func tag(_ index: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(attempt) << 32 | (UInt(index) + 1))
    }

    /// A record that was refused before it was queued.
    func note(_ index: Int, topic: String, code: rd_kafka_resp_err_t) {
        failures.append(Failure(index: index, partition: TopicPartition(topic, RD_KAFKA_PARTITION_UA), code: code))
    }

    func receive(_ message: rd_kafka_message_t) {
        let tag = UInt(bitPattern: message._private)
        guard UInt32(tag >> 32) == attempt, tag & 0xffff_ffff > 0 else { return }
        switch message.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            acknowledged += 1
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
            purged += 1
        default:
            let topic = message.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "?"
            failures.append(
                Failure(
                    index: Int(tag & 0xffff_ffff) - 1, partition: TopicPartition(topic, message.partition),
                    code: message.err))
        }
    }
}
