import CRdkafka
import EgizCore
import EgizRuntime
import Logging

extension OutputSession {
    /// Idempotently, without a transaction: what is refused leaves the rest in the log.
    func deliver(
        _ records: [OutputRecord], _ cuts: inout BatchCuts, deadline: ContinuousClock.Instant
    ) throws(EngineError) -> Attempt {
        do throws(EngineError) {
            try send(records, &cuts, deadline: deadline)
        } catch {
            clearQueue()
            throw error
        }
        if let outcome = try outcomeOfDeath() { return .done(outcome) }
        if ledger.failures.isEmpty { return .done(.published) }
        clearQueue()
        return try judge(ledger.failures)
    }

    /// Produces all records in order and waits for their acknowledgements; returns at the first failure in the ledger.
    /// Errors: `.backoff` where they are not out by the deadline.
    func send(
        _ records: [OutputRecord], _ cuts: inout BatchCuts, deadline: ContinuousClock.Instant
    ) throws(EngineError) {
        ledger.beginAttempt()
        cuts.rewind()
        let isCut = !cuts.isEmpty
        for (index, record) in records.enumerated() {
            if isCut, cuts.isCut(before: index, topic: record.topic, size: wireSize(of: record)) {
                try flush(deadline: deadline)
            }
            // Serves delivery reports, which make room in the queue.
            if index & 1023 == 1023 { rd_kafka_poll(client.raw, 0) }
            guard ledger.failures.isEmpty, try enqueue(record, index, deadline: deadline) else { return }
        }
        try flush(deadline: deadline)
        // In a transaction the calls that follow know why.
        guard ledger.failures.isEmpty, !isTransactional, ledger.acknowledged != records.count else { return }
        throw EngineError(
            .kafka, .backoff, "\(records.count - ledger.acknowledged) records were thrown away before they were sent")
    }

    /// False where the transaction has failed already; its call says why.
    private func enqueue(
        _ record: OutputRecord, _ index: Int, deadline: ContinuousClock.Instant
    ) throws(EngineError) -> Bool {
        let topic = try topic(record.topic)
        while true {
            let milliseconds = record.time / 1000
            let error = client.produce(
                topic, key: record.key, value: record.value, headers: record.headers, egizID: record.id,
                milliseconds: milliseconds > 0 ? milliseconds : nil, tag: ledger.tag(index))
            guard let error else { return true }
            let code = rd_kafka_error_code(error)
            rd_kafka_error_destroy(error)
            switch code {
            case RD_KAFKA_RESP_ERR__QUEUE_FULL:
                try requireTime(deadline)
                rd_kafka_poll(client.raw, 10)
                // A failure purges the queue, so it ends the wait for room.
                if !ledger.failures.isEmpty { return false }
            case RD_KAFKA_RESP_ERR__STATE, RD_KAFKA_RESP_ERR__FATAL:
                return false
            case let code where code.retry == .never:
                ledger.note(index, topic: record.topic, code: code)
                return false
            default:
                throw EngineError.kafka(code, "a record for \(record.topic) was not accepted")
            }
        }
    }

    /// Waits until nothing is under way, or something has failed.
    private func flush(deadline: ContinuousClock.Instant) throws(EngineError) {
        while rd_kafka_flush(client.raw, 200) != RD_KAFKA_RESP_ERR_NO_ERROR {
            if !ledger.failures.isEmpty { return }
            try requireTime(deadline)
        }
    }

    private func requireTime(_ deadline: ContinuousClock.Instant) throws(EngineError) {
        try requireAlive()
        guard ContinuousClock.now < deadline else {
            throw EngineError.kafka(
                RD_KAFKA_RESP_ERR__TIMED_OUT, "\(rd_kafka_outq_len(client.raw)) records were not delivered in time")
        }
    }

    /// Throws away what is still queued, so that the next attempt begins with nothing before it.
    private func clearQueue() {
        rd_kafka_purge(client.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_flush(client.raw, 1000)
    }

    /// What failed deliveries mean for the batch. Nothing is under way any more.
    func judge(_ failures: [OutputLedger.Failure]) throws(EngineError) -> Attempt {
        for failure in failures {
            switch failure.code {
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
                // Deleted while we knew it: the next attempt looks again.
                knownTopics.remove(failure.partition.topic)
            default: break
            }
        }
        let refused = failures.filter { $0.code.retry == .never }
        // What is not the record's fault comes first: refusals are found again.
        if let other = failures.first(where: { $0.code.retry != .never }) {
            let error = EngineError.kafka(
                other.code, "\(failures.count) records were not delivered, the first for \(other.partition)")
            if other.code.saysSequenceGap { return .again(error) }
            throw error
        }
        var alone: [Int: EngineError] = [:]
        for (_, group) in Dictionary(grouping: refused, by: \.partition) where group.count == 1 {
            alone[group[0].index] = refusal(group[0].code, topic: group[0].partition.topic)
        }
        return alone.isEmpty ? .unclear(refused) : .done(.refused(alone))
    }

    func narrow(_ cuts: inout BatchCuts, _ failures: [OutputLedger.Failure], _ records: [OutputRecord]) {
        for (_, group) in Dictionary(grouping: failures, by: \.partition) {
            cuts.narrow(group) { wireSize(of: records[$0]) }
        }
        batchLimits = cuts.limits
        log.debug("a batch was refused, publishing it in parts", metadata: ["kafka.records": "\(failures.count)"])
    }
}
