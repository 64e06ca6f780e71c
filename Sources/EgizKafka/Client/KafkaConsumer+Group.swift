import CRdkafka
public import EgizCore
public import EgizRuntime

extension KafkaConsumer {
    public func membership() throws(EngineError) -> any GroupMembership {
        try requireOpen()
        return try KafkaGroupMembership(of: client, group: group)
    }

    public func groupOffsets(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: GroupOffset] {
        try requireOpen()
        if partitions.isEmpty { return [:] }
        let list = PartitionList(partitions)
        // With isolation.level = read_committed librdkafka asks for stable offsets and waits for open transactions.
        let code = list.withRaw { rd_kafka_committed(client.raw, $0, Self.requestTimeout.milliseconds32) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError.kafka(code, "the offsets of group \(group) are not known")
        }
        if let failure = list.firstFailure {
            throw EngineError.kafka(failure.code, "the offset of group \(group) for \(failure.partition) is not known")
        }
        return list.groupOffsets
    }
}
