import CRdkafka
public import EgizCore
public import EgizRuntime
import Logging
import Glibc

extension KafkaConsumer {
    /// How long a broker may take to answer a question before the caller hears `.backoff`.
    static let requestTimeout = Duration.seconds(5)

    public func seek(_ partition: TopicPartition, to offset: NextOffset) throws(EngineError) {
        try requireOpen()
        // What this poll has gathered lies at the old position.
        discardGathered(of: [partition])
        ends[partition] = nil
        let list = PartitionList(capacity: 1)
        list.add(partition, offset: offset.raw)
        let deadline = ContinuousClock.now + Self.requestTimeout
        while true {
            list.clearFailures()
            let timeout = Self.requestTimeout.milliseconds32
            if let error = list.withRaw({ rd_kafka_seek_partitions(client.raw, $0, timeout) }) {
                throw EngineError.kafka(consuming: error, "cannot seek \(partition) to \(offset.raw)")
            }
            guard let failure = list.firstFailure else { return }
            // Just assigned and not yet fetching: the client's own thread gets there within milliseconds.
            guard failure.code == RD_KAFKA_RESP_ERR__STATE, ContinuousClock.now < deadline else {
                throw EngineError.kafka(failure.code, "cannot seek \(partition) to \(offset.raw)")
            }
            usleep(5_000)
        }
    }

    public func pause(_ partitions: [TopicPartition]) throws(EngineError) {
        try requireOpen()
        if partitions.isEmpty { return }
        let list = PartitionList(partitions)
        try check(list.withRaw { rd_kafka_pause_partitions(client.raw, $0) }, list, "cannot pause")
        rebalance.notePaused(partitions)
    }

    public func resume(_ partitions: [TopicPartition]) throws(EngineError) {
        try requireOpen()
        if partitions.isEmpty { return }
        let list = PartitionList(partitions)
        try check(list.withRaw { rd_kafka_resume_partitions(client.raw, $0) }, list, "cannot resume")
        rebalance.noteResumed(partitions)
    }

    public func close(listener: any AssignmentListener) {
        if isClosed { return }
        isClosed = true
        probe = nil
        discardGathered { _ in true }
        rebalance.listener = listener
        defer { rebalance.listener = nil }
        leaveGroup()
        let forgotten = rebalance.takeOwned()
        if !forgotten.isEmpty { listener.revoked(forgotten, lost: true) }
    }

    /// `rd_kafka_consumer_close` with a deadline: it has no timeout of its own and waits for a broker that is away.
    private func leaveGroup() {
        // Afterwards, for the revocation inside still writes what it drained.
        defer { client.hasLeftGroup.set() }
        guard let queue = rd_kafka_queue_new(client.raw) else { return }
        defer { rd_kafka_queue_destroy(queue) }
        if let error = rd_kafka_consumer_close_queue(client.raw, queue) {
            let reason = EngineError.kafka(consuming: error, "leaving group \(group)")
            log.warning("the group was not left cleanly", metadata: ["kafka.error": "\(reason)"])
            return
        }
        let deadline = ContinuousClock.now + .seconds(15)
        while rd_kafka_consumer_closed(client.raw) == 0 {
            guard ContinuousClock.now < deadline else {
                log.warning("the group was not left within 15 s; its session timeout will notice")
                return
            }
            // Serves the rebalance callback. Prefetched records come along and are dropped; `rd_kafka_queue_poll_callback`
            // would trap on them.
            if let message = rd_kafka_consume_queue(queue, 50) { rd_kafka_message_destroy(message) }
        }
    }

    private func check(
        _ code: rd_kafka_resp_err_t, _ list: borrowing PartitionList, _ what: String
    ) throws(EngineError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw EngineError.kafka(code, "\(what) partitions of group \(group)") }
        if let failure = list.firstFailure { throw EngineError.kafka(failure.code, "\(what) \(failure.partition)") }
    }
}
