import CRdkafka
import EgizCore
import EgizRuntime
import Glibc

extension PartitionList {
    /// A list of group offsets with their metadata.
    init(_ offsets: [TopicPartition: GroupOffset]) {
        self.init(capacity: offsets.count)
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            withRaw { raw in
                guard let element = rd_kafka_topic_partition_list_add(raw, partition.topic, partition.partition)
                else { return }
                element.pointee.offset = offset.next.raw
                // Freed with the list, by librdkafka's `free`.
                element.pointee.metadata = strdup(offset.metadata).map { UnsafeMutableRawPointer($0) }
                element.pointee.metadata_size = offset.metadata.utf8.count
            }
        }
    }

    /// The group offsets that a call has filled in; partitions without one are left out.
    var groupOffsets: [TopicPartition: GroupOffset] {
        withRaw { raw in
            guard let elements = raw.pointee.elems else { return [:] }
            var offsets: [TopicPartition: GroupOffset] = [:]
            for i in 0..<Int(raw.pointee.cnt) {
                let element = elements[i]
                guard let topic = element.topic, element.offset >= 0 else { continue }
                let metadata = UnsafeRawBufferPointer(start: element.metadata, count: element.metadata_size)
                offsets[TopicPartition(String(cString: topic), element.partition)] = GroupOffset(
                    next: NextOffset(stored: element.offset), metadata: String(decoding: metadata, as: UTF8.self))
            }
            return offsets
        }
    }
}
