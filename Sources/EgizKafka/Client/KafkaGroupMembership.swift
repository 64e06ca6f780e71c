import CRdkafka
public import EgizCore
public import EgizRuntime

/// A consumer's member id and generation at one moment. Keeps the client alive; a commit through it is refused, by the
/// broker or here, once the group has moved on.
///
/// Unchecked: the metadata never changes, and librdkafka's handle is thread-safe.
public final class KafkaGroupMembership: GroupMembership, @unchecked Sendable {
    /// How long a commit waits for the coordinator's answer.
    private static let commitTimeout = Duration.seconds(10)

    /// librdkafka's object, for `rd_kafka_send_offsets_to_transaction`.
    let metadata: OpaquePointer
    private let client: KafkaClient
    private let group: String
    private let fingerprint: [UInt8]

    /// Throws `.kafka`/`.backoff` where the group has not let the client in.
    init(of client: KafkaClient, group: String) throws(EngineError) {
        guard let metadata = rd_kafka_consumer_group_metadata(client.raw) else {
            throw Self.notIn(group)
        }
        let fingerprint = Self.fingerprint(of: metadata)
        guard Self.isMember(fingerprint) else {
            rd_kafka_consumer_group_metadata_destroy(metadata)
            throw Self.notIn(group)
        }
        self.metadata = metadata
        self.client = client
        self.group = group
        self.fingerprint = fingerprint
    }

    deinit { rd_kafka_consumer_group_metadata_destroy(metadata) }

    public func commit(_ offsets: [TopicPartition: GroupOffset]) throws(EngineError) {
        if offsets.isEmpty { return }
        // librdkafka commits with the generation that the client has by then, so an older one must be found here.
        guard isCurrent else { throw outdated("this member joined it again since") }
        guard let queue = rd_kafka_queue_new(client.raw) else {
            throw EngineError(.kafka, .backoff, "the offsets of group \(group) were not written: no queue")
        }
        defer { rd_kafka_queue_destroy(queue) }
        let list = PartitionList(offsets)
        var code = list.withRaw { rd_kafka_commit_queue(client.raw, $0, queue, nil, nil) }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR {
            // A queue of our own, because the synchronous call has no timeout.
            guard let event = rd_kafka_queue_poll(queue, Self.commitTimeout.milliseconds32) else {
                throw EngineError.kafka(
                    RD_KAFKA_RESP_ERR__TIMED_OUT, "the offsets of group \(group) were not written in time")
            }
            defer { rd_kafka_event_destroy(event) }
            code = rd_kafka_event_error(event)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = rd_kafka_event_topic_partition_list(event) {
                code = Self.firstError(in: answer)
            }
        }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
        if code.saysGroupMovedOn { throw outdated(code.text, code) }
        throw EngineError.kafka(code, "the offsets of group \(group) were not written")
    }

    /// Whether the client is still the member it was, in the same generation.
    private var isCurrent: Bool {
        guard !client.hasLeftGroup.isSet, let now = rd_kafka_consumer_group_metadata(client.raw) else { return false }
        defer { rd_kafka_consumer_group_metadata_destroy(now) }
        return Self.fingerprint(of: now) == fingerprint
    }

    private func outdated(_ why: String, _ code: rd_kafka_resp_err_t? = nil) -> EngineError {
        EngineError(
            .ownership, .backoff, "the offsets of group \(group) were not written, the group has moved on: \(why)",
            detail: code?.name)
    }

    private static func notIn(_ group: String) -> EngineError {
        EngineError(.kafka, .backoff, "the group \(group) has not let this worker in yet")
    }

    private static func firstError(in list: PartitionList.Raw) -> rd_kafka_resp_err_t {
        guard let elements = list.pointee.elems else { return RD_KAFKA_RESP_ERR_NO_ERROR }
        for i in 0..<Int(list.pointee.cnt) where elements[i].err != RD_KAFKA_RESP_ERR_NO_ERROR {
            return elements[i].err
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// The serialized metadata: there are no getters, and two of one generation are equal.
    private static func fingerprint(of metadata: OpaquePointer) -> [UInt8] {
        var buffer: UnsafeMutableRawPointer?
        var size = 0
        if let error = rd_kafka_consumer_group_metadata_write(metadata, &buffer, &size) {
            rd_kafka_error_destroy(error)
            return []
        }
        defer { rd_kafka_mem_free(nil, buffer) }
        return [UInt8](UnsafeRawBufferPointer(start: buffer, count: size))
    }

    /// False before the first generation. The form is `CGMDv2:` and the generation in the machine's own byte order; one
    /// that we do not know is left to the broker to judge.
    private static func isMember(_ fingerprint: [UInt8]) -> Bool {
        let magic = Array("CGMDv2:".utf8)
        guard fingerprint.starts(with: magic), fingerprint.count >= magic.count + 4 else { return true }
        let generation = fingerprint.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: magic.count, as: Int32.self) }
        return generation >= 0
    }
}

extension rd_kafka_resp_err_t {
    /// The group has another generation, or other members, than the one who asks believes.
    var saysGroupMovedOn: Bool {
        switch self {
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, RD_KAFKA_RESP_ERR__UNKNOWN_GROUP:
            true
        default: false
        }
    }
}
