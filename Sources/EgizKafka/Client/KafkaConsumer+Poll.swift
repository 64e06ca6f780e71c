import CRdkafka
public import EgizCore
public import EgizRuntime
import Logging

extension KafkaConsumer {
    public func poll(
        limit: Int, timeout: Duration, listener: any AssignmentListener
    ) throws(EngineError) -> (any RecordBatch)? {
        try requireOpen()
        probe = nil
        if let error = pendingError {
            pendingError = nil
            throw error
        }
        rebalance.listener = listener
        defer { rebalance.listener = nil }
        guard try checkConnection(timeout: timeout) else { return nil }
        if !isSubscribed { try subscribe() }
        try rejoinWhereClusterChanged()

        gathered.reserveCapacity(min(limit, 4096))
        if let message = rd_kafka_consumer_poll(client.raw, timeout.milliseconds32), take(message) {
            if Self.takesBatches {
                gatherBatches(limit: limit)
            } else {
                gatherSingly(limit: limit)
            }
        }
        return try deliver()
    }

    /// One message after the other; what is there, without waiting.
    private func gatherSingly(limit: Int) {
        let raw = client.raw
        while gathered.count < limit, let message = rd_kafka_consumer_poll(raw, 0), take(message) {}
    }

    /// Many messages a call, each for a third of the cost. Before 2.13.2 the call could lose messages, or bring back what lay before a
    /// seek, a pause or a rebalance.
    private static let takesBatches = KafkaVersion.isAtLeast(2, 13, 2)
    private static let batch = 512

    private func gatherBatches(limit: Int) {
        guard let queue = rd_kafka_queue_get_consumer(client.raw) else { return }
        defer { rd_kafka_queue_destroy(queue) }
        withUnsafeTemporaryAllocation(of: KafkaRecordBatch.Message?.self, capacity: Self.batch) { room in
            while gathered.count < limit {
                let most = min(Self.batch, limit - gathered.count)
                let count = rd_kafka_consume_batch_queue(queue, 0, room.baseAddress, most)
                guard count > 0 else { return }
                var goesOn = true
                for index in 0..<count {
                    guard let message = room[index] else { continue }
                    // Also behind an error: they cannot be put back, and their place in the log is after all that is kept.
                    if !take(message) { goesOn = false }
                }
                if !goesOn { return }
            }
        }
    }

    /// Keeps a message, or what it reports. False: no more may be taken in this poll.
    @inline(__always)
    private func take(_ message: KafkaRecordBatch.Message) -> Bool {
        if mayBeEmbedded, isLogInDoubt {
            // It may be from another log, and cannot be put back.
            rd_kafka_message_destroy(message)
            hasDroppedDoubtful = true
            return false
        }
        if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            gathered.append(message)
        } else if let error = explain(consuming: message) {
            // Of a gap the client speaks once: what waiting mends must not take its place.
            if pendingError.map({ $0.retry == .backoff }) ?? true { pendingError = error }
            return false
        }
        return true
    }

    /// Hands over what was gathered; where there is nothing, the error that was met.
    private func deliver() throws(EngineError) -> (any RecordBatch)? {
        // The log behind the address changed while we gathered: nothing of this poll may be seen.
        if isAwaitingAssignment || client.events.clusterGeneration != clusterGeneration {
            discardGathered { _ in true }
        }
        if gathered.isEmpty {
            let error = pendingError ?? rebalance.takeError() ?? client.events.takeError()
            pendingError = nil
            guard let error else { return nil }
            noteOutage(error)
            throw error
        }
        let batch = gathered.withUnsafeBufferPointer {
            KafkaRecordBatch(taking: $0, topics: topics, client: client)
        }
        gathered.removeAll(keepingCapacity: true)
        return batch
    }

    /// Frees gathered messages that must not be handed over: their partition went away or was moved meanwhile.
    func discardGathered(where isStale: (KafkaRecordBatch.Message) -> Bool) {
        gathered.removeAll { message in
            let stale = isStale(message)
            if stale { rd_kafka_message_destroy(message) }
            return stale
        }
    }

    func discardGathered(of partitions: Set<TopicPartition>) {
        if gathered.isEmpty { return }
        discardGathered { message in
            let topic = rd_kafka_topic_name(message.pointee.rkt).map { String(cString: $0) } ?? ""
            return partitions.contains(TopicPartition(topic, message.pointee.partition))
        }
    }

    private func subscribe() throws(EngineError) {
        let list = PartitionList(topics.map { TopicPartition($0, RD_KAFKA_PARTITION_UA) })
        let code = list.withRaw { rd_kafka_subscribe(client.raw, $0) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError.kafka(code, "group \(group) cannot subscribe to \(topics.joined(separator: ", "))")
        }
        isSubscribed = true
    }

    /// Leaves and joins the group again after another cluster answered at the same address (the embedded broker was
    /// restarted): the listener then decides afresh where to read, before any record of the new log is seen (contract 8).
    private func rejoinWhereClusterChanged() throws(EngineError) {
        let generation = client.events.clusterGeneration
        guard generation != clusterGeneration else { return }
        clusterGeneration = generation
        isAwaitingAssignment = true
        cachedIdentity = nil
        log.warning("another kafka cluster answers at this address, joining the group again")
        discardGathered { _ in true }
        rd_kafka_unsubscribe(client.raw)
        try subscribe()
    }

    /// The error in a message, in the engine's words; nil for what needs no action. Frees the message.
    private func explain(consuming message: KafkaRecordBatch.Message) -> EngineError? {
        defer { rd_kafka_message_destroy(message) }
        let m = message.pointee
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? m.err.text
        switch m.err {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            // Behind the records before it, in the queue and in this batch; marks of transactions are left out by the client.
            if let topic = m.rkt.flatMap({ rd_kafka_topic_name($0) }) {
                ends[TopicPartition(String(cString: topic), m.partition)] = m.offset
            }
            return nil
        case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
            // The group took our partitions; the next poll reports them lost and joins again.
            log.warning("the group removed this member: too long between polls", metadata: ["kafka.text": "\(text)"])
            return nil
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
            RD_KAFKA_RESP_ERR__NO_OFFSET:
            let topic = m.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "?"
            return gapError(TopicPartition(topic, m.partition), text: text, code: m.err)
        default:
            let place =
                m.rkt.flatMap { rd_kafka_topic_name($0) }.map { " (\(String(cString: $0))[\(m.partition)])" } ?? ""
            return EngineError.kafka(m.err, "group \(group) cannot read\(place): \(text)")
        }
    }

    private func gapError(_ partition: TopicPartition, text: String, code: rd_kafka_resp_err_t) -> EngineError {
        var bounds = ""
        if let marks = try? watermarks(of: partition) {
            bounds = "; the log now holds offsets \(marks.start.raw) up to, without, \(marks.end.raw)"
        }
        return EngineError(
            .gap, .stop,
            "group \(group): the position in \(partition.topic) partition \(partition.partition) is outside the log"
                + "\(bounds) (\(text)); records were removed before they were read, or the log was truncated or made anew: "
                + "set `onGap: report` on the source to go on at the log's start with a row in log_gap",
            detail: code.name)
    }
}
