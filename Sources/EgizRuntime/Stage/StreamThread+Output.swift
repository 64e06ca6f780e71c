import EgizCore
import EgizTwin
import Foundation
import Logging

/// What the stream thread does for its publishing thread.
extension StreamThread {
    /// Gives the publisher what it needs and takes what it has to say; a turn of the loop.
    func followPublisher(_ now: ContinuousClock.Instant) throws(EngineError) {
        if let error = publisher.failure { throw error }
        if publisher.isFenced {
            // A commit under way would be taken for one of a tenure that another worker has ended.
            if pipeline.isCommitting { try awaitCommit() }
            guard !pipeline.isCommitting else { return }
            setAside(Array(tasks.keys), until: now)
            publisher.forget()
        }
        if publisher.wantsMembership, hasJoined, let consumer {
            do throws(EngineError) { publisher.renew(try consumer.membership()) } catch {
                guard error.retry == .backoff else { throw error }
            }
        }
        noteBaselines()
        try deleteAcknowledged(now)
    }

    private func noteBaselines() {
        for lease in publisher.takeBaselines() {
            guard let task = tasks[lease.task.partition], task.lease.ownerEpoch == lease.ownerEpoch else { continue }
            task.awaitsBaseline = false
        }
    }

    /// The open epoch would make an outbox of a task of which Kafka has no evidence. Were this worker killed then, nothing would
    /// say whether the outbox is in Kafka; so the epoch stays open until the baseline is there (rule 9).
    var awaitsBaseline: Bool {
        guard tasks.values.contains(where: { $0.awaitsBaseline && $0.step.hasOutputs }) else { return false }
        noteBaselines()
        return tasks.values.contains { $0.awaitsBaseline && $0.step.hasOutputs }
    }

    /// Kafka is behind: stop taking records, but stay in the group (rule 12).
    func awaitPublisher() throws(EngineError) {
        publisher.wait(until: Date(timeIntervalSinceNow: 0.1))
        try stayInGroup()
    }

    /// An idle thread has no next epoch that would delete acknowledged outboxes (rule 9).
    private func deleteAcknowledged(_ now: ContinuousClock.Instant) throws(EngineError) {
        guard publisher.hasAcknowledged, !pipeline.isCommitting, openWork.records == 0 else {
            lastAcknowledged = now
            return
        }
        guard lastAcknowledged.duration(to: now) >= .seconds(1) else { return }
        lastAcknowledged = now
        _ = try deleteOutboxes()
    }

    /// False where Postgres did not answer; what was acknowledged is then found again at the next takeover.
    private func deleteOutboxes() throws(EngineError) -> Bool {
        let done = acknowledgements()
        guard !done.isEmpty, let store else { return true }
        do throws(EngineError) {
            try store.delete(done, of: tasks.values.map(\.lease))
            return true
        } catch {
            guard error.retry == .backoff else { throw error }
            logger.debug("outboxes not deleted", metadata: [LogKey.error: "\(error)"])
            return false
        }
    }

    // MARK: Takeover and release

    /// Ends the open transactions of owners that did not release their tasks (rule 10); only where there is something that they
    /// could still publish.
    func fenceFormerProducers(of leases: [TaskLease]) throws(EngineError) {
        // Our own publisher may still be at work on an earlier tenure of the same task.
        guard publisher.quiesce(leases.map(\.task), until: Date(timeIntervalSinceNow: 2)) else {
            throw EngineError(.kafka, .backoff, "output of an earlier tenure is still on its way to Kafka")
        }
        var seen: Set<String> = []
        for lease in leases where lease.hasPendingOutboxes {
            guard let id = lease.previousTransactionalID, id != transactionalID, seen.insert(id).inserted else {
                continue
            }
            try setup.outputs.fence(transactionalID: id, properties: setup.kafka)
        }
    }

    func outboxPlan(of lease: TaskLease, log: LogIdentity, evidence: [TopicPartition: GroupOffset])
        throws(EngineError) -> OutboxPlan
    {
        try OutboxPlan.make(
            lease: lease, found: topics.compactMap { evidence[TopicPartition($0, lease.task.partition)] },
            isEmbedded: log.isEmbedded, isSameLog: lease.log?.isSameLog(as: log) ?? true,
            onGap: setup.stage.source.onGap)
    }

    func evidence(of lease: TaskLease, in found: [TopicPartition: GroupOffset]) -> [Evidence] {
        topics.compactMap { found[TopicPartition($0, lease.task.partition)] }.compactMap {
            Evidence(parsing: $0.metadata)
        }
    }

    /// Deletes what the evidence says is in Kafka, before a new incarnation could make that evidence unreadable.
    func deletePublished(_ plans: [(lease: TaskLease, outboxes: OutboxPlan)], store: any TaskStore) throws(EngineError)
    {
        var done: [Outbox.Acknowledgement] = []
        for (lease, plan) in plans where lease.hasPendingOutboxes {
            if case .publish(let after) = plan, after > 0 { done.append(.init(task: lease.task, epoch: after)) }
        }
        if !done.isEmpty { try store.delete(done, of: plans.map(\.lease)) }
    }

    /// Hands the outboxes that Kafka does not have to the publisher, before anything new; and writes a baseline of evidence.
    ///
    /// - Parameter hasEvidence: Kafka has some already that this task's life can be told from.
    func publishPending(of task: OwnedTask, _ plan: OutboxPlan, hasEvidence: Bool, store: any TaskStore)
        throws(EngineError)
    {
        var first: Int64 = 0
        if case .publish(let after) = plan { first = after }
        task.awaitsBaseline = !hasEvidence
        let offsets = task.groupOffsets(topics: topics)
        var publications: [Publication] = []
        if task.lease.hasPendingOutboxes {
            for outbox in try store.outboxes(of: task.lease) where outbox.epoch > first {
                let evidence = Evidence(incarnation: task.lease.incarnation, epoch: outbox.epoch).text
                publications.append(
                    Publication(
                        lease: task.lease, epoch: outbox.epoch, outbox: outbox,
                        offsets: offsets.mapValues { GroupOffset(next: $0.next, metadata: evidence) }))
            }
            if !publications.isEmpty {
                logger.info(
                    "records of earlier epochs are published first",
                    metadata: [
                        LogKey.partition: "\(task.id.partition)",
                        LogKey.records: "\(publications.reduce(0) { $0 + ($1.outbox?.records.count ?? 0) })",
                    ])
            }
        }
        var baseline = Publication(lease: task.lease, epoch: task.lease.epoch, outbox: nil, offsets: offsets)
        baseline.isBaseline = true
        publications.append(baseline)
        publisher.submit(publications)
    }

    /// Waits for the baselines of our tasks, while the place in the group still holds; false where they did not get there.
    func awaitBaselines(until deadline: Date) -> Bool {
        if publisher.wantsMembership, let membership = try? consumer?.membership() { publisher.renew(membership) }
        return publisher.drain(until: deadline)
    }

    /// Brings what is committed to Kafka before tasks are given back; false where that did not succeed in time.
    func releaseOutput(of partitions: [Int32], until deadline: Date) -> Bool {
        // Without a place in the group, nothing was processed either.
        if publisher.wantsMembership, let membership = try? consumer?.membership() { publisher.renew(membership) }
        let isDrained = publisher.drain(until: deadline)
        // Group offsets that did not get there are for lag tools only.
        if !isDrained, publisher.hasUnpublished {
            logger.warning("output of released tasks is left to the next owner")
            return false
        }
        return (try? deleteOutboxes()) ?? false
    }
}
