import CRdkafka
import EgizCore
import EgizRuntime

extension KafkaClient {
    /// First and next offset of a partition, asked of its leader.
    func watermarks(of partition: TopicPartition) throws(EngineError) -> LogWatermarks {
        var low: Int64 = -1
        var high: Int64 = -1
        let code = rd_kafka_query_watermark_offsets(
            raw, partition.topic, partition.partition, &low, &high, KafkaConsumer.requestTimeout.milliseconds32)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError.kafka(code, "the offsets of \(partition) are not known")
        }
        return LogWatermarks(start: NextOffset(stored: low), end: NextOffset(stored: high))
    }

    /// The uuid of the embedded broker's log; nil for a real Kafka.
    func embeddedLog(timeout: Duration) throws(EngineError) -> String? {
        let prefix = EmbeddedBroker.identityTopicPrefix
        let topic = try topicPartitionCounts(timeout: timeout).keys.filter { $0.hasPrefix(prefix) }.min()
        return topic.map { String($0.dropFirst(prefix.count)) }
    }

    /// Every topic of the cluster that this user may see, with its partitions.
    ///
    /// Asks for all: a question for one topic creates it on the embedded broker, and on others that create at first use.
    func topicPartitionCounts(timeout: Duration) throws(EngineError) -> [String: Int32] {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(raw, 1, nil, &metadata, timeout.milliseconds32)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw EngineError.kafka(code, "Kafka does not list its topics")
        }
        defer { rd_kafka_metadata_destroy(metadata) }
        var counts: [String: Int32] = [:]
        for i in 0..<Int(metadata.pointee.topic_cnt) {
            let topic = metadata.pointee.topics[i]
            guard let name = topic.topic, topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            counts[String(cString: name)] = topic.partition_cnt
        }
        return counts
    }
}
