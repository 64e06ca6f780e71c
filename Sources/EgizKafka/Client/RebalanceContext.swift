import CRdkafka
import EgizCore
import EgizRuntime

/// Carries the group's changes from librdkafka's callback to the listener of the running poll.
///
/// librdkafka calls back inside poll and close, on the consumer's own thread, and waits for us; so nothing here is locked.
final class RebalanceContext {
    typealias List = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// Weak, because the consumer owns the client that owns us.
    weak var consumer: KafkaConsumer?
    /// Set for the time of poll and close.
    var listener: (any AssignmentListener)?
    /// What the group gave us and has not taken away.
    private(set) var owned: Set<TopicPartition> = []
    /// Partitions paused since they were first assigned: librdkafka keeps the flag across assignments.
    private var paused: Set<TopicPartition> = []
    private var failure: EngineError?

    func takeError() -> EngineError? {
        defer { failure = nil }
        return failure
    }

    func notePaused(_ partitions: [TopicPartition]) { paused.formUnion(partitions) }
    func noteResumed(_ partitions: [TopicPartition]) { paused.subtract(partitions) }

    func forgetPauses() { paused.removeAll() }

    /// Forgets the assignment when the callback did not come (close against a broker that is away).
    func takeOwned() -> [TopicPartition] {
        defer { owned.removeAll() }
        return owned.sorted()
    }

    func handle(_ code: rd_kafka_resp_err_t, list: List?, handle: OpaquePointer) {
        let partitions = PartitionList.partitions(of: list).sorted()
        let isCooperative = rd_kafka_rebalance_protocol(handle).map { String(cString: $0) } == "COOPERATIVE"
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            assign(partitions, handle: handle, incrementally: isCooperative)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            revoke(partitions, list: list, handle: handle, incrementally: isCooperative)
        default:
            // The group failed; librdkafka wants the assignment to be given up.
            failure = EngineError.kafka(code, "the consumer group could not be balanced")
            revoke(owned.sorted(), list: nil, handle: handle, incrementally: false)
        }
    }

    private func assign(_ partitions: [TopicPartition], handle: OpaquePointer, incrementally: Bool) {
        consumer?.assignmentBegins()
        let positions = partitions.isEmpty ? [:] : listener?.assigned(partitions) ?? [:]
        owned.formUnion(partitions)
        let unread = partitions.filter { positions[$0] == nil }
        let list = PartitionList(capacity: partitions.count)
        for partition in partitions {
            // What is not read stands at the end, paused: no position is needed for it, and a later seek moves it.
            list.add(partition, offset: positions[partition]?.raw ?? Int64(RD_KAFKA_OFFSET_END))
        }
        if incrementally {
            note(list.withRaw { rd_kafka_incremental_assign(handle, $0) }, "cannot take over the assigned partitions")
        } else {
            note(list.withRaw { rd_kafka_assign(handle, $0) }, "cannot take over the assigned partitions")
        }
        let stillPaused = paused.intersection(positions.keys)
        if !stillPaused.isEmpty {
            note(
                PartitionList(stillPaused).withRaw { rd_kafka_resume_partitions(handle, $0) },
                "cannot resume partitions")
            paused.subtract(stillPaused)
        }
        if !unread.isEmpty {
            note(PartitionList(unread).withRaw { rd_kafka_pause_partitions(handle, $0) }, "cannot pause partitions")
            consumer?.discardGathered(of: Set(unread))
            paused.formUnion(unread)
        }
    }

    private func revoke(_ partitions: [TopicPartition], list: List?, handle: OpaquePointer, incrementally: Bool) {
        let isLost = rd_kafka_assignment_lost(handle) != 0
        // Gathered in this very poll and seen by nobody: the next owner reads them.
        consumer?.discardGathered(of: Set(partitions))
        if !partitions.isEmpty { listener?.revoked(partitions, lost: isLost) }
        owned.subtract(partitions)
        if incrementally, let list {
            note(rd_kafka_incremental_unassign(handle, list), "cannot give up partitions")
        } else {
            note(rd_kafka_assign(handle, nil), "cannot give up partitions")
        }
    }

    private func note(_ code: rd_kafka_resp_err_t, _ what: String) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, failure == nil { failure = EngineError.kafka(code, what) }
    }

    private func note(_ error: OpaquePointer?, _ what: String) {
        guard let error else { return }
        let converted = EngineError.kafka(consuming: error, what)
        if failure == nil { failure = converted }
    }
}
