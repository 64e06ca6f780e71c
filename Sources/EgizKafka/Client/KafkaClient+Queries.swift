import CRdkafka
import EgizCore
import EgizRuntime

extension KafkaClient {
    /// First and next offset of many partitions: two requests to each leader, however many they are. Asked one by one, the
    /// 64 partitions of a stage take half a second to two seconds, in which its tasks stand still.
    func watermarks(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: LogWatermarks] {
        guard !partitions.isEmpty else { return [:] }
        let starts = try offsets(of: partitions, at: Int64(RD_KAFKA_OFFSET_BEGINNING))
        let ends = try offsets(of: partitions, at: Int64(RD_KAFKA_OFFSET_END))
        var watermarks: [TopicPartition: LogWatermarks] = [:]
        for partition in partitions {
            guard let start = starts[partition], let end = ends[partition] else { continue }
            watermarks[partition] = LogWatermarks(start: NextOffset(stored: start), end: NextOffset(stored: end))
        }
        return watermarks
    }

    /// The offsets that the special timestamps "beginning" and "end" stand for (KIP-79).
    private func offsets(of partitions: [TopicPartition], at timestamp: Int64) throws(EngineError)
        -> [TopicPartition: Int64]
    {
        let list = PartitionList(capacity: partitions.count)
        for partition in partitions { list.add(partition, offset: timestamp) }
        let code = list.withRaw {
            rd_kafka_offsets_for_times(raw, $0, KafkaConsumer.requestTimeout.milliseconds32)
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError.kafka(code, "the offsets of \(partitions[0]) and others are not known")
        }
        if let failure = list.firstFailure {
            throw EngineError.kafka(failure.code, "the offsets of \(failure.partition) are not known")
        }
        return list.offsets
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
