import CRdkafka
import EgizCore
import EgizRuntime

extension OutputSession {
    /// What became of one attempt.
    enum Attempt {
        case done(PublishOutcome)
        /// Batches of several records were refused; which of them is at fault is not known.
        case unclear([OutputLedger.Failure])
        /// Aborted for a reason that is gone now: librdkafka leaves a gap in the sequence after a refusal and bumps its epoch with
        /// the abort that follows.
        case again(EngineError)
    }

    func publish(
        _ records: [OutputRecord], offsets: [TopicPartition: GroupOffset], as membership: KafkaGroupMembership
    ) throws(EngineError) -> PublishOutcome {
        try requireAlive()
        try requireInitialized()
        if let outcome = try outcomeOfDeath() { return outcome }
        rd_kafka_poll(client.raw, 0)
        let deadline = ContinuousClock.now + deadlines.publish
        if mustAbort, let outcome = try abort(because: nil) { return outcome }
        if records.isEmpty { return try commitOutside(offsets, membership) }

        let tooLarge = recordsTooLarge(records)
        if !tooLarge.isEmpty { return .refused(tooLarge) }
        try ensureTopics(of: records, deadline: deadline)
        // Asked before the transaction: afterwards an error could no longer undo it.
        let isEmbedded = isTransactional ? try self.isEmbedded() : false

        var cuts = BatchCuts(limits: batchLimits)
        while true {
            let attempt =
                try isTransactional
                ? transact(records, &cuts, offsets, membership, deadline: deadline)
                : deliver(records, &cuts, deadline: deadline)
            switch attempt {
            case .unclear(let failures):
                narrow(&cuts, failures, records)
            case .again(let error):
                if ContinuousClock.now >= deadline { throw error }
            case .done(.published) where !isTransactional || isEmbedded:
                return try commitOutside(offsets, membership)
            case .done(let outcome):
                return outcome
            }
        }
    }

    /// Group offsets without a transaction.
    private func commitOutside(
        _ offsets: [TopicPartition: GroupOffset], _ membership: KafkaGroupMembership
    ) throws(EngineError) -> PublishOutcome {
        do throws(EngineError) {
            try membership.commit(offsets)
            return .published
        } catch {
            if error.code == .ownership { return .outdated }
            throw error
        }
    }

    /// A fatal error is told again to whoever asks again. nil where there was none.
    func outcomeOfDeath() throws(EngineError) -> PublishOutcome? {
        guard let failure = death ?? client.fatalError else { return nil }
        death = failure
        if failure.saysFenced { return .fenced }
        throw failure.error("the output producer cannot go on; another must be opened")
    }

    /// Records that librdkafka would not even queue, by its own arithmetic: found before a transaction is begun for them.
    private func recordsTooLarge(_ records: [OutputRecord]) -> [Int: EngineError] {
        var refused: [Int: EngineError] = [:]
        for (index, record) in records.enumerated() where wireSize(of: record) > largestMessage {
            refused[index] = refusal(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, topic: record.topic)
        }
        return refused
    }

    func refusal(_ code: rd_kafka_resp_err_t, topic: String) -> EngineError {
        var error = EngineError.kafka(code, "Kafka refuses a record for \(topic)")
        error.retry = .never
        return error
    }

    /// Key, value and headers with their lengths.
    func wireSize(of record: OutputRecord) -> Int {
        var size = (record.key?.count ?? 0) + (record.value?.count ?? 0)
        size += Self.headerSize(name: 7, value: record.id.utf8.count)
        for header in record.headers {
            size += Self.headerSize(name: header.name.utf8.count, value: header.value?.count ?? 0)
        }
        return size
    }

    private static func headerSize(name: Int, value: Int) -> Int {
        varintSize(name) + name + varintSize(value) + value
    }

    /// Bytes of a length in zigzag form.
    private static func varintSize(_ count: Int) -> Int {
        var (left, bytes) = (count << 1, 1)
        while left >= 0x80 {
            left >>= 7
            bytes += 1
        }
        return bytes
    }
}
