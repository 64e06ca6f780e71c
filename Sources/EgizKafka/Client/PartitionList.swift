import CRdkafka
import EgizCore

/// An owned `rd_kafka_topic_partition_list_t`.
struct PartitionList: ~Copyable {
    typealias Raw = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    private let raw: Raw

    init(capacity: Int) { raw = rd_kafka_topic_partition_list_new(Int32(clamping: capacity)) }

    init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(raw) }

    /// Lends the C list for one call. The only way to it: a pointer taken out could outlive the list, whose life may end
    /// with its last use in Swift.
    borrowing func withRaw<R>(_ body: (Raw) -> R) -> R { body(raw) }

    /// Adds the partition, with the position to read from where there is one.
    func add(_ partition: TopicPartition, offset: Int64? = nil) {
        guard let element = rd_kafka_topic_partition_list_add(raw, partition.topic, partition.partition) else { return }
        if let offset { element.pointee.offset = offset }
    }

    /// The partitions of a list that librdkafka lends us.
    static func partitions(
        of list: Raw?
    ) -> [TopicPartition] {
        guard let list, let elements = list.pointee.elems else { return [] }
        return (0..<Int(list.pointee.cnt)).compactMap { i in
            elements[i].topic.map { TopicPartition(String(cString: $0), elements[i].partition) }
        }
    }

    /// The offset of each partition, as a call has set it.
    var offsets: [TopicPartition: Int64] {
        guard let elements = raw.pointee.elems else { return [:] }
        var offsets: [TopicPartition: Int64] = [:]
        for i in 0..<Int(raw.pointee.cnt) {
            guard let topic = elements[i].topic else { continue }
            offsets[TopicPartition(String(cString: topic), elements[i].partition)] = elements[i].offset
        }
        return offsets
    }

    /// Forgets the errors of an earlier call.
    func clearFailures() {
        guard let elements = raw.pointee.elems else { return }
        for i in 0..<Int(raw.pointee.cnt) { elements[i].err = RD_KAFKA_RESP_ERR_NO_ERROR }
    }

    /// The first error of an element, with its partition.
    var firstFailure: (partition: TopicPartition, code: rd_kafka_resp_err_t)? {
        guard let elements = raw.pointee.elems else { return nil }
        for i in 0..<Int(raw.pointee.cnt) where elements[i].err != RD_KAFKA_RESP_ERR_NO_ERROR {
            let topic = elements[i].topic.map { String(cString: $0) } ?? ""
            return (TopicPartition(topic, elements[i].partition), elements[i].err)
        }
        return nil
    }
}
