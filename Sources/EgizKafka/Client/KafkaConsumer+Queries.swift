import CRdkafka
public import EgizCore
public import EgizRuntime

extension KafkaConsumer {
    public func watermarks(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: LogWatermarks] {
        try requireOpen()
        return try client.watermarks(of: partitions)
    }

    public func cachedEnd(of partition: TopicPartition) -> NextOffset? {
        if isClosed { return nil }
        var low: Int64 = -1
        var high: Int64 = -1
        let code = rd_kafka_get_watermark_offsets(client.raw, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? NextOffset(stored: high) : nil
    }

    public func readThrough(_ partition: TopicPartition) -> NextOffset? {
        ends[partition].map { NextOffset(stored: $0) }
    }

    public func mark(at offset: Int64, of partition: TopicPartition) throws(EngineError) -> RecordMark? {
        try marks(at: [partition: offset])[partition]
    }

    public func marks(at offsets: [TopicPartition: Int64]) throws(EngineError) -> [TopicPartition: RecordMark] {
        try requireOpen()
        let bounds = try client.watermarks(of: Array(offsets.keys))
        let there = offsets.filter { partition, offset in
            guard let bounds = bounds[partition] else { return false }
            return offset >= bounds.start.raw && offset < bounds.end.raw
        }
        guard !there.isEmpty else { return [:] }
        let reader: RecordProbe
        if let probe { reader = probe } else { reader = try RecordProbe(like: properties, log: log) }
        probe = reader
        return try reader.marks(at: there, deadline: .now + Self.requestTimeout)
    }

    public func identity() throws(EngineError) -> LogIdentity {
        try requireOpen()
        if let cachedIdentity { return cachedIdentity }
        let timeout = Self.requestTimeout
        guard let id = rd_kafka_clusterid(client.raw, timeout.milliseconds32) else {
            throw EngineError.kafka(
                RD_KAFKA_RESP_ERR__TIMED_OUT, "the cluster id of group \(group)'s Kafka is not known")
        }
        defer { rd_kafka_mem_free(client.raw, id) }
        let identity = LogIdentity(
            clusterID: String(cString: id), embeddedLog: try client.embeddedLog(timeout: timeout))
        cachedIdentity = identity
        return identity
    }

    public func partitionCounts() throws(EngineError) -> [String: Int32] {
        try requireOpen()
        let counts = try client.topicPartitionCounts(timeout: Self.requestTimeout)
        return counts.filter { topics.contains($0.key) }
    }
}
