import CRdkafka
import EgizCore
import EgizRuntime

extension OutputSession {
    /// One Kafka transaction: the records, the group offsets, the commit; aborted where any of them fails.
    func transact(
        _ records: [OutputRecord], _ cuts: inout BatchCuts, _ offsets: [TopicPartition: GroupOffset],
        _ membership: KafkaGroupMembership, deadline: ContinuousClock.Instant
    ) throws(EngineError) -> Attempt {
        if let failed = try begin() { return failed }
        do throws(EngineError) {
            try send(records, &cuts, deadline: deadline)
        } catch {
            if let outcome = try abort(because: error) { return .done(outcome) }
            throw error
        }
        if !ledger.failures.isEmpty {
            let failures = ledger.failures
            if let outcome = try abort(because: nil) { return .done(outcome) }
            return try judge(failures)
        }
        if let failure = repeatedly(until: deadline, { sendOffsets(offsets, membership, $0) }) {
            return try end(failure, "the group offsets could not be added to the transaction")
        }
        // librdkafka recommends −1, the rest of the transaction's timeout; 2.0.2 then waits for as long as the broker is frozen
        // (seen in abort), so the time is ours. One that ran out leaves the transaction to be aborted.
        if let failure = repeatedly(until: deadline, { rd_kafka_commit_transaction(client.raw, $0) }) {
            return try end(failure, "the transaction could not be committed")
        }
        return .done(.published)
    }

    private func begin() throws(EngineError) -> Attempt? {
        guard let error = rd_kafka_begin_transaction(client.raw) else { return nil }
        let failure = TransactionFailure(consuming: error, of: client)
        return try end(failure, "a transaction could not be begun")
    }

    private func sendOffsets(
        _ offsets: [TopicPartition: GroupOffset], _ membership: KafkaGroupMembership, _ milliseconds: Int32
    ) -> OpaquePointer? {
        let list = PartitionList(offsets)
        return withExtendedLifetime(membership) {
            list.withRaw {
                rd_kafka_send_offsets_to_transaction(
                    client.raw, $0, membership.metadata, milliseconds)
            }
        }
    }

    /// Makes a call, with the milliseconds that are left, until it succeeds (nil), fails for another reason than bad luck, or the time is over.
    private func repeatedly(
        until deadline: ContinuousClock.Instant, _ call: (Int32) -> OpaquePointer?
    ) -> TransactionFailure? {
        // At least a second: less would end a call that is about to succeed.
        while let error = call(max(.seconds(1), deadline - ContinuousClock.now).milliseconds32) {
            let failure = TransactionFailure(consuming: error, of: client)
            guard failure.consequence == .retry, ContinuousClock.now < deadline, !stopping.isSet else { return failure }
            pause()
        }
        return nil
    }

    /// After a failed call: abort, and say what the failure means. Errors: as `publish`.
    private func end(_ failure: TransactionFailure, _ what: String) throws(EngineError) -> Attempt {
        if failure.consequence == .fatal {
            death = failure
            if failure.saysFenced { return .done(.fenced) }
            throw failure.error(what)
        }
        let error = failure.error(what)
        if let outcome = try abort(because: error) { return .done(outcome) }
        if failure.code.saysGroupMovedOn { return .done(.outdated) }
        if failure.code.saysSequenceGap { return .again(error) }
        throw error
    }

    /// Aborts the open transaction; nil when that is done and another may begin.
    ///
    /// Where it is not done in time, the next `publish` goes on with it, and this throws `.backoff`. Where librdkafka lets us neither
    /// commit nor abort, the coordinator alone knows the outcome: the producer is dead, and this throws `.stop`.
    func abort(because cause: EngineError?) throws(EngineError) -> PublishOutcome? {
        mustAbort = true
        let reason = cause.map { " after: \($0.message)" } ?? ""
        let deadline = ContinuousClock.now + deadlines.abort
        guard let failure = repeatedly(until: deadline, { rd_kafka_abort_transaction(client.raw, $0) }) else {
            mustAbort = false
            return nil
        }
        if failure.consequence == .retry {
            throw failure.error("a transaction could not be aborted yet\(reason)")
        }
        // Not to be aborted, so what became of it must be read from the group's offsets.
        var death = failure
        if failure.consequence != .fatal {
            death = TransactionFailure(code: failure.code, text: failure.text, consequence: .fatal)
        }
        self.death = death
        if death.saysFenced { return .fenced }
        throw death.error("a transaction could not be aborted, open another producer\(reason)")
    }
}
