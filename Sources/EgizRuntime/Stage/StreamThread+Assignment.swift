import EgizCore
import EgizTwin
import Foundation
import Logging

extension StreamThread: AssignmentListener {
    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: NextOffset] {
        joined()
        publisher.noteRebalance()
        let now = ContinuousClock.now
        let new = Set(partitions.map(\.partition)).filter { tasks[$0] == nil }
        for partition in new { pending[partition] = now }
        do throws(EngineError) {
            let positions = try takeOver(Array(new))
            return positions.filter { partitions.contains($0.key) }
        } catch {
            // They stay pending: assigned, paused, and tried again from the loop.
            forget(Array(new))
            standBack(Array(new), after: error, now)
            if error.retry == .backoff {
                status.waiting(.store, error.message)
            } else {
                failure = error
            }
            return [:]
        }
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool) {
        hasJoined = false
        if lost, tasks.keys.contains(where: { number in partitions.contains { $0.partition == number } }) {
            logger.warning(
                "the group gave tasks of this thread to others; its uncommitted work is dropped",
                metadata: [LogKey.partitions: "\(Set(partitions.map(\.partition)).sorted())"])
        }
        // The place in the group holds until the revocation is answered.
        letGo(Array(Set(partitions.map(\.partition))), flushing: !lost && failure == nil && isDraining)
        publisher.noteRebalance()
    }

    /// Tries again to take over what the group gave us; called from the loop, so the positions are set by seeking.
    func takeOverPending(_ now: ContinuousClock.Instant) throws(EngineError) {
        let due = pending.filter { $0.value <= now }.map(\.key)
        guard !due.isEmpty, let consumer else { return }
        do throws(EngineError) {
            let positions = try takeOver(due)
            for (partition, position) in positions { try consumer.seek(partition, to: position) }
            try consumer.resume(Array(positions.keys))
            pausedForCommit.subtract(positions.keys)
            takeoverBackoff.reset()
            status.recovered(.store)
        } catch {
            guard error.retry == .backoff else { throw error }
            status.waiting(.store, error.message)
            // Some may be taken over and not sought: none may process a record before its position is set.
            forget(due)
            let again = now.advanced(by: takeoverBackoff.next())
            for partition in due { pending[partition] = again }
            standBack(due, after: error, now)
        }
    }

    /// One of two workers that take the same tasks over has an assignment of yesterday and hears of it within a session: taking
    /// them back at once would only drop the other's work.
    private func standBack(_ partitions: [Int32], after error: EngineError, _ now: ContinuousClock.Instant) {
        guard error.code == .ownership else { return }
        for partition in partitions { pending[partition] = now.advanced(by: setup.configuration.sessionTimeout) }
    }

    /// A takeover did not come to its end: what it has handed over to be published will be found again by the next.
    private func forget(_ partitions: [Int32]) {
        publisher.drop(partitions.compactMap { tasks[$0]?.lease })
        for partition in partitions { tasks[partition] = nil }
    }

    private struct Takeover {
        var lease: TaskLease
        var plan: TakeoverPlan
        var outboxes: OutboxPlan
        /// What the group's offsets say of the task.
        var evidence: [Evidence]
    }

    /// Acquires the tasks and decides where they go on; on success they are no longer pending.
    private func takeOver(_ partitions: [Int32]) throws(EngineError) -> [TopicPartition: NextOffset] {
        guard !partitions.isEmpty, let consumer, let store else { return [:] }
        let log = try consumer.identity()
        let counts = try consumer.partitionCounts()
        let most = try coPartitioned(counts)
        let ids = partitions.sorted().map { TaskID(stage: setup.stage.name, partition: $0) }
        let leases = try store.acquire(
            ids, partitions: most, topologyVersion: setup.topologyVersion)
        let watermarks = try consumer.watermarks(
            of: ids.flatMap { id in topics.map { TopicPartition($0, id.partition) } })
        try fenceFormerProducers(of: leases)
        let evidence = try consumer.groupOffsets(
            of: ids.flatMap { id in topics.map { TopicPartition($0, id.partition) } })
        let marks = try lastRecords(of: leases, watermarks: watermarks, log: log, consumer: consumer)
        let plans: [Takeover]
        do throws(EngineError) {
            plans = try leases.map { lease throws(EngineError) in
                try plan(lease, log: log, watermarks: watermarks, marks: marks, evidence: evidence)
            }
        } catch {
            // What Kafka says was read after what Postgres said. Another worker that took a task over in between has committed and
            // published since, and then the two do not belong together: that is no gap.
            guard error.retry != .backoff, try !store.lost(of: leases).isEmpty else { throw error }
            throw EngineError(
                .ownership, .backoff, "another worker took tasks over while this one was taking them over")
        }
        try store.name(transactionalID, of: leases)
        try deletePublished(plans.map { ($0.lease, $0.outboxes) }, store: store)
        let positions = try adopt(plans, log: log, store: store)
        for partition in partitions { pending[partition] = nil }
        status.assigned(Array(tasks.keys))
        status.recovered(.store)
        status.enter(.running)
        logger.info("tasks taken over", metadata: [LogKey.partitions: "\(partitions.sorted())"])
        #if EGIZ_SABOTAGE
        return Sabotage.skipping(positions, watermarks)
        #else
        return positions
        #endif
    }

    /// Where one task goes on, and what becomes of its outboxes.
    private func plan(
        _ lease: TaskLease, log: LogIdentity, watermarks: [TopicPartition: LogWatermarks],
        marks: [TopicPartition: RecordMark], evidence: [TopicPartition: GroupOffset]
    ) throws(EngineError) -> Takeover {
        if let previous = lease.previousOwner, !previous.hasPrefix(setup.worker.id) {
            logger.notice(
                "task taken over from a worker that did not release it",
                metadata: [LogKey.partition: "\(lease.task.partition)", LogKey.previousOwner: "\(previous)"])
        }
        var plan = try TakeoverPlan.make(
            facts: try facts(of: lease, watermarks: watermarks, marks: marks), storedLog: lease.log, log: log,
            start: setup.stage.source.start, onGap: setup.stage.source.onGap)
        let outboxes = try outboxPlan(of: lease, log: log, evidence: evidence)
        if case .beginAnew = outboxes { plan.noteEvidenceGap(of: lease.task) }
        return Takeover(lease: lease, plan: plan, outboxes: outboxes, evidence: self.evidence(of: lease, in: evidence))
    }

    /// Stores what the plans change and takes the tasks in hand. Returns where to read them.
    private func adopt(_ plans: [Takeover], log: LogIdentity, store: any TaskStore)
        throws(EngineError) -> [TopicPartition: NextOffset]
    {
        var moves: [TaskID: TaskMove] = [:]
        for takeover in plans where takeover.plan.mustStore {
            let (lease, plan) = (takeover.lease, takeover.plan)
            var positions: [String: NextOffset] = [:]
            for (partition, position) in plan.positions { positions[partition.topic] = position }
            moves[lease.task] = TaskMove(lease: lease, positions: positions, log: log, gaps: plan.gaps)
        }
        try store.reposition(moves.values.sorted { $0.lease.task < $1.lease.task })
        try renewRegistry()
        var positions: [TopicPartition: NextOffset] = [:]
        for takeover in plans {
            let plan = takeover.plan
            for gap in plan.gaps { report(gap) }
            var lease = takeover.lease
            if moves[lease.task]?.beginsAnew ?? false { lease.incarnation += 1 }
            lease.log = log
            let moved = Set(plan.gaps.map(\.topic))
            let next = topics.map { plan.positions[TopicPartition($0, lease.task.partition)] }
            let marks = topics.map { moved.contains($0) ? nil : lease.positions[$0]?.mark }
            let task = OwnedTask(
                lease: lease,
                step: try makeStep(lease, lease.counters, lease.streamTime, parked: lease.parked), next: next,
                marks: marks)
            if let desk { task.calls = TaskCalls(desk: desk, topics: topics.count) }
            tasks[lease.task.partition] = task
            let hasEvidence = Evidence.covers(lease, by: takeover.evidence)
            try publishPending(of: task, takeover.outboxes, hasEvidence: hasEvidence, store: store)
            positions.merge(plan.positions) { _, new in new }
        }
        return positions
    }

    private func report(_ gap: LogGap) {
        let facts: Logger.Metadata = [
            LogKey.topic: "\(gap.topic)", LogKey.partition: "\(gap.partition)",
            LogKey.offset: "\(gap.from.raw) -> \(gap.to.raw)", LogKey.reason: "\(gap.reason.rawValue)",
        ]
        switch gap.reason {
        case .embedded:
            logger.info("new embedded log: stored offset put aside", metadata: facts)
        case .retention:
            logger.error(
                "records were removed from the log before they were read; see table log_gap", metadata: facts)
        case .truncated, .cluster, .recreated, .evidence:
            logger.error("stored offset put aside; see table log_gap", metadata: facts)
        }
    }

    /// Drains and releases tasks. Flushing ends at min(`shutdown.grace`, session timeout / 2); then uncommitted work is dropped
    /// (rule 8). Epochs span all tasks of the thread, so the flush commits the others' work too.
    func letGo(_ partitions: [Int32], flushing: Bool) {
        let grace = min(setup.configuration.shutdownGrace, setup.configuration.sessionTimeout / 2)
        let deadline = Date(timeIntervalSinceNow: grace.seconds)
        var clean = true
        var isOpenDropped = false
        let dropBy = flushing ? deadline : Date(timeIntervalSinceNow: 0.5)
        (leaving, leaveBy) = (Set(partitions), dropBy)
        defer { (leaving, leaveBy) = ([], nil) }
        if pipeline.isCommitting { clean = settle(until: dropBy) }
        if flushing, clean, failure == nil, openWork.records > 0 {
            if awaitsBaseline { _ = awaitBaselines(until: deadline) }
            if awaitsBaseline {
                // It would emit without evidence. Nothing of it is committed: who comes next reads it again.
                isOpenDropped = true
            } else {
                closeEpoch()
                clean = settle(until: deadline)
            }
        }
        // What is committed goes to Kafka while the place in the group still holds; what does not get there in time is published
        // by the next owner, which must then not take the release for a clean one.
        if flushing, clean { clean = releaseOutput(of: partitions, until: deadline) }
        var leases: [TaskLease] = []
        for partition in partitions {
            pending[partition] = nil
            if let task = tasks.removeValue(forKey: partition) { leases.append(task.lease) }
        }
        publisher.drop(leases)
        pausedForCommit = pausedForCommit.filter { !partitions.contains($0.partition) }
        // Where a commit was given up it may have landed all the same, and the open epoch holds work of tasks that are gone.
        if !clean || !flushing || isOpenDropped { setAside(Array(tasks.keys), until: .now) }
        status.assigned(Array(tasks.keys))
        guard !leases.isEmpty, flushing, clean, let store else { return }
        do throws(EngineError) {
            // A worker that slept through its session may have had nothing in hand whose commit would have met the fence.
            let lost = try store.release(leases).map(\.partition)
            if !lost.isEmpty {
                logger.warning(
                    "another worker owns tasks of this thread; it had no uncommitted work of them",
                    metadata: [LogKey.partitions: "\(lost.sorted())"])
            }
            let released = leases.map(\.task.partition).filter { !lost.contains($0) }
            if !released.isEmpty {
                logger.info("tasks released", metadata: [LogKey.partitions: "\(released.sorted())"])
            }
        } catch {
            // Not released cleanly: the next owner takes over by the fence.
            logger.warning("tasks could not be released", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Waits for the running commit; false where it did not end well in time and was given up.
    private func settle(until deadline: Date) -> Bool {
        var outcome = committer.take(until: deadline)
        if outcome == nil {
            logger.warning("commit given up at the end of the grace period")
            committer.abandon()
            // The attempt under way ends by its own timeouts; until then the thread cannot hand over another epoch. A thread
            // that ends will not want to.
            outcome = committer.take(
                until: isStopRequested ? .now : Date(timeIntervalSinceNow: setup.configuration.hangingCommit.seconds))
        }
        guard let outcome else {
            if isStopRequested { return false }
            replaceCommitter()
            return false
        }
        do throws(EngineError) {
            try finishCommit(outcome)
            if case .success(.committed) = outcome { return true }
            return false
        } catch {
            if error.retry != .backoff { failure = failure ?? error }
            return false
        }
    }

    /// The commit hangs: its thread is left behind, which can write nothing once the tasks are taken over anew, and another one
    /// takes its place.
    private func replaceCommitter() {
        logger.error("a commit hangs and is left behind; the tasks of this thread are taken over anew")
        committer.stop(until: .now)
        committer = Self.makeCommitter(setup, status, logger)
        pipeline.finished()
        inFlight = nil
        search(nil)
    }

    /// A position fell out of the log while running, and the source says `onGap: report`: commits what was read, then takes the
    /// tasks over again, which looks at every partition and writes the gaps. True while that is under way.
    func reportGaps() throws(EngineError) -> Bool {
        guard hasGap else { return false }
        if pipeline.isCommitting {
            try awaitCommit()
        } else if openWork.records > 0 {
            try closeOrWait()
        } else {
            hasGap = false
            setAside(Array(tasks.keys), until: .now)
        }
        return true
    }
}
