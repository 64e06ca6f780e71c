import EgizCore
import EgizTwin
import Logging

extension StreamThread {
    /// Closes the open epoch, or waits a little where it must not be closed yet; the loop comes back.
    func closeOrWait() throws(EngineError) {
        if awaitsBaseline {
            try awaitPublisher()
        } else {
            closeEpoch()
        }
    }

    /// Closes the open epoch of all tasks and hands it to the committing thread. - Precondition: not `awaitsBaseline`.
    func closeEpoch() {
        var advances: [TaskAdvance] = []
        let write = EpochWrite(tasks: [], columns: [], twins: [], deadLetters: extras.deadLetters)
        var records = 0
        var samples = 0
        var only: InputPosition?
        var ticks: Int64 = 0
        // By task throughout, so that concurrent workers lock rows in one order (rule 1).
        for task in tasks.values.sorted(by: { $0.id < $1.id }) {
            let count = task.step.openRecords
            guard let (advance, output) = task.close(topics: topics) else { continue }
            advances.append(advance)
            ticks += advance.counters.ticks - task.committedCounters.ticks
            ticks += advance.counters.reviewed - task.committedCounters.reviewed
            ticks += advance.counters.messages - task.committedCounters.messages
            write.columns.append(contentsOf: output.columns)
            write.twins.append(contentsOf: output.twins)
            write.states += output.states
            write.rollups += output.rollups
            write.scenes += output.scenes
            write.alerts += output.alerts
            write.predictions += output.predictions
            if let timers = output.timers { write.timers.append(timers) }
            if !output.outputs.isEmpty {
                write.outboxes.append(Outbox(task: task.id, epoch: advance.epoch, records: output.outputs))
            }
            records += count
            if count == 1, let last = task.lastTaken {
                only = InputPosition(topic: topics[last.topic], partition: task.id.partition, offset: last.offset)
            }
        }
        write.tasks = advances
        for column in write.columns { samples += column.count }
        write.acknowledged = acknowledgements()
        write.redriven = extras.redriven
        write.redrives = extras.redrives
        write.retention = historyRetention
        write.consumed = extras.consumed.sorted()
        write.sweeps = extras.sweeps.sorted { $0.task < $1.task }
        let now = ContinuousClock.now
        inFlight = Flight(
            records: records, samples: samples, deadLetters: extras.deadLetters.count, since: now,
            only: records == 1 ? only : nil, redriven: extras.redriven.map(\.letter),
            hasRedrives: !extras.redrives.isEmpty, hasMessages: !extras.consumed.isEmpty, ticks: ticks)
        extras = EpochExtras()
        committer.submit(write)
        pipeline.closed(at: now)
    }

    /// What Kafka has of our tasks' earlier epochs. Of tasks that are ours no more the new owner finds out by itself.
    func acknowledgements() -> [Outbox.Acknowledgement] {
        guard publisher.hasAcknowledged else { return [] }
        var through: [TaskID: Int64] = [:]
        for entry in publisher.takeAcknowledged() where tasks[entry.task.partition]?.id == entry.task {
            through[entry.task] = max(through[entry.task] ?? 0, entry.epoch)
        }
        return through.map { Outbox.Acknowledgement(task: $0.key, epoch: $0.value) }.sorted { $0.task < $1.task }
    }

    /// Takes the outcome of the running commit into account.
    func finishCommit(_ outcome: CommitThread.Outcome) throws(EngineError) {
        pipeline.finished()
        let flight = inFlight
        inFlight = nil
        switch outcome {
        case .success(.committed):
            let now = ContinuousClock.now
            var publications: [Publication] = []
            for task in tasks.values.sorted(by: { $0.id < $1.id }) where task.inFlight != nil {
                if let done = task.inFlight { metrics.committed(done.counters, since: task.committedCounters) }
                let cacheBytes = setup.configuration.cacheBytes / max(tasks.count, 1)
                if let publication = task.finish(topics: topics, cacheBytes: cacheBytes) {
                    publications.append(publication)
                }
            }
            publisher.submit(publications)
            // An epoch before it may land while the one with the letters is still open.
            if flight?.hasRedrives ?? false { isRedriving = false }
            if flight?.hasMessages ?? false { isReceiving = false }
            forgetCondemned(flight)
            if let halving { search(halving.committed(records: flight?.records ?? 0)) }
            if desk == nil, tables.paths.count > setup.configuration.mostPaths { needsFreshTables = true }
            if let flight {
                let took = flight.since.duration(to: now)
                status.committed(
                    records: flight.records, samples: flight.samples, deadLetters: flight.deadLetters, took: took,
                    at: now)
                metrics.committed(
                    records: flight.records, samples: flight.samples, deadLetters: flight.deadLetters, took: took)
            }
        case .success(.fenced(let lost)):
            logger.warning(
                "another worker owns tasks of this thread; its uncommitted work is dropped",
                metadata: [LogKey.partitions: "\(lost.map(\.partition).sorted())"])
            setAside(
                lost.map(\.partition),
                until: ContinuousClock.now.advanced(by: setup.configuration.sessionTimeout * 2))
            try startOver()
        case .success(.foreign(let things)):
            logger.warning(
                "another stage created things of this epoch first; it is run again",
                metadata: [LogKey.reason: "\(things.prefix(10))"])
            try startOver()
        case .failure(let error) where error.code == .postgres && error.retry == .never:
            try halve(error, flight)
        case .failure(let error):
            throw error
        }
        status.assigned(Array(tasks.keys))
    }

    /// Postgres refuses the data of the epoch: it is done again in halves until the one record is found, which becomes a dead
    /// letter with the SQLSTATE (rule 6).
    private func halve(_ error: EngineError, _ flight: Flight?) throws(EngineError) {
        if let flight, !flight.redriven.isEmpty {
            // Retried letters first: alone in an epoch, the one at fault shows itself and fails again.
            redrivesSingly = true
            if flight.records == 0, flight.redriven.count == 1 { condemnedLetters[flight.redriven[0]] = error }
            try startOver()
            return
        }
        switch CommitHalving.refused(records: flight?.records ?? 0, during: halving) {
        case .hopeless:
            throw EngineError(
                .postgres, .stop, "Postgres refuses an epoch without a record: \(error.message)", detail: error.detail)
        case .search(let next):
            logger.warning(
                "Postgres refuses an epoch; its records are tried in halves",
                metadata: [LogKey.records: "\(flight?.records ?? 0)", LogKey.error: "\(error)"])
            search(next)
        case .found:
            if let flight, flight.ticks > 0, halving?.limit != 1 {
                // A timer's effect may be at fault as well as the record's: they are tried apart.
                search(CommitHalving(limit: 1, remaining: max(1, halving?.remaining ?? 1)))
                break
            }
            guard let position = flight?.only, condemned[position] == nil, flight?.ticks == 0 else {
                throw EngineError(
                    .postgres, .stop,
                    "Postgres refuses an epoch of one record, and it is not that record alone (its dead letter or a timer's effect is refused as well): \(error.message)",
                    detail: error.detail)
            }
            logger.error(
                "Postgres refuses a record; it becomes a dead letter",
                metadata: [
                    LogKey.topic: "\(position.topic)", LogKey.partition: "\(position.partition)",
                    LogKey.offset: "\(position.offset)", LogKey.error: "\(error)",
                ])
            condemned[position] = error
            search(CommitHalving.afterFinding(during: halving))
        }
        try startOver()
    }

    /// Condemned records that are committed as dead letters by now need not be known any more.
    private func forgetCondemned(_ flight: Flight?) {
        if !condemned.isEmpty {
            condemned = condemned.filter { position, _ in
                guard let task = tasks[position.partition], let index = topics.firstIndex(of: position.topic) else {
                    return false
                }
                return task.committed[index].map { $0.raw <= position.offset } ?? true
            }
        }
        for letter in flight?.redriven ?? [] { condemnedLetters[letter] = nil }
    }

    func search(_ next: CommitHalving?) {
        halving = next
        pipeline.isSequential = next != nil
        pipeline.policy = setup.policy
        if let next { pipeline.policy.maxRecords = min(next.limit, setup.policy.maxRecords) }
    }

    /// A worker that meets ever new paths must not grow for ever: makes tables and caches anew once nothing is open or in commit;
    /// true while that is under way. The caches are restored lazily, as after a takeover.
    func renewTables() throws(EngineError) -> Bool {
        guard needsFreshTables else { return false }
        if pipeline.isCommitting {
            try awaitCommit()
        } else if openWork.records > 0 {
            try closeOrWait()
        } else {
            needsFreshTables = false
            logger.info("the tables of paths are made anew", metadata: [LogKey.records: "\(tables.paths.count)"])
            tables = StreamTables()
            for task in tasks.values {
                let blocked = task.blockedUntil
                task.reset(
                    step: try makeStep(
                        task.lease, task.committedCounters, task.committedStreamTime, parked: task.step.parkedCounts))
                task.blockedUntil = blocked
            }
        }
        return true
    }

    /// Drops all uncommitted state of the thread and seeks its tasks to their committed positions (rule 1). Only where the epoch
    /// surely was not written: otherwise `setAside`.
    func startOver() throws(EngineError) {
        extras = EpochExtras()
        isRedriving = false
        isReceiving = false
        let ids = tasks.values.map(\.id)
        let parked = try whileAway { store throws(EngineError) in try store.parked(of: ids) }
        for (partition, task) in tasks {
            if leaving.contains(partition) {
                // Being revoked, or the consumer is closing: it cannot be sought, and nobody here will read it.
                tasks[partition] = nil
                continue
            }
            // Its partitions stay paused until it is let go on.
            let blocked = task.blockedUntil
            task.reset(
                step: try makeStep(
                    task.lease, task.committedCounters, task.committedStreamTime, parked: parked[task.id] ?? [:]))
            task.blockedUntil = blocked
            do throws(EngineError) {
                for (index, topic) in topics.enumerated() {
                    guard let position = task.committed[index] else { continue }
                    try consumer?.seek(TopicPartition(topic, partition), to: position)
                }
            } catch {
                // Where it stands now is unknown: no record may be processed before it is sought.
                guard error.retry == .backoff else { throw error }
                setAside([partition], until: ContinuousClock.now.advanced(by: takeoverBackoff.next()))
            }
        }
    }

    /// Drops tasks with all uncommitted work of the thread, to take them over again from the loop: the store says where they
    /// stand, and the new fence ends whatever attempt is still under way. Records that come meanwhile are dropped.
    func setAside(_ partitions: [Int32], until instant: ContinuousClock.Instant) {
        extras = EpochExtras()
        isRedriving = false
        isReceiving = false
        var leases: [TaskLease] = []
        for partition in partitions {
            if let task = tasks.removeValue(forKey: partition) { leases.append(task.lease) }
            pending[partition] = instant
        }
        pausedForCommit = pausedForCommit.filter { !partitions.contains($0.partition) }
        // The takeover finds in the store what is not published.
        publisher.drop(leases)
        // To save the fetching only: taking over seeks and resumes.
        try? consumer?.pause(partitions.flatMap { partition in topics.map { TopicPartition($0, partition) } })
    }

    func makeStep(
        _ lease: TaskLease, _ counters: StepCounters, _ streamTime: EventTime?, parked: [ThingID: Int]
    ) throws(EngineError) -> PartitionStep {
        let step: PartitionStep
        do throws(TopologyFaults) {
            step = try PartitionStep(
                task: lease.task, stage: setup.stage, registry: setup.registry, tables: tables, counters: counters,
                streamTime: streamTime, incarnation: lease.incarnation, parked: parked,
                largestRecord: setup.outputs.largestRecord(properties: setup.kafka), database: databaseID)
        } catch {
            throw EngineError(
                .topology, .stop,
                "stage \(setup.stage.name) cannot be built: \(error.faults.map(\.message).joined(separator: "; "))")
        }
        try install(in: step, lease.rules)
        return step
    }
}
