import EgizCore
import EgizTwin
import Logging

extension StreamThread {
    /// Closes the open epoch of all tasks and hands it to the committing thread.
    func closeEpoch() {
        var advances: [TaskAdvance] = []
        var columns: [SeriesColumn] = []
        var twins: [TwinRow] = []
        var records = 0
        var samples = 0
        for task in tasks.values.sorted(by: { $0.id < $1.id }) {
            let count = task.step.openRecords
            guard let (advance, output) = task.close(topics: topics) else { continue }
            advances.append(advance)
            columns.append(contentsOf: output.columns)
            twins.append(contentsOf: output.twins)
            records += count
        }
        for column in columns { samples += column.count }
        // Rows are large values: sorting their positions moves none of them until the order is known.
        let order = twins.indices.sorted { twins[$0].snapshot.thing < twins[$1].snapshot.thing }
        twins = order.map { twins[$0] }
        let now = ContinuousClock.now
        inFlight = (records, samples, deadLetters.count, now)
        committer.submit(EpochWrite(tasks: advances, columns: columns, twins: twins, deadLetters: deadLetters))
        deadLetters = []
        pipeline.closed(at: now)
    }

    /// Takes the outcome of the running commit into account.
    func finishCommit(_ outcome: CommitThread.Outcome) throws(EngineError) {
        pipeline.finished()
        let flight = inFlight
        inFlight = nil
        switch outcome {
        case .success(.committed):
            let now = ContinuousClock.now
            var offsets: [TopicPartition: NextOffset] = [:]
            for (partition, task) in tasks where task.inFlight != nil {
                task.finish(cacheBytes: setup.configuration.cacheBytes / max(tasks.count, 1))
                for (index, topic) in topics.enumerated() {
                    if let position = task.committed[index] { offsets[TopicPartition(topic, partition)] = position }
                }
            }
            _ = offsets
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
        case .failure(let error):
            throw error
        }
        status.assigned(Array(tasks.keys))
    }

    /// Drops all uncommitted state of the thread and seeks its tasks to their committed positions (rule 1). Only where the epoch
    /// surely was not written: otherwise `setAside`.
    func startOver() throws(EngineError) {
        deadLetters = []
        for (partition, task) in tasks {
            if leaving.contains(partition) {
                // Being revoked, or the consumer is closing: it cannot be sought, and nobody here will read it.
                tasks[partition] = nil
                continue
            }
            task.reset(step: try makeStep(task.id, task.committedCounters, task.committedStreamTime))
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
        deadLetters = []
        for partition in partitions {
            tasks[partition] = nil
            pending[partition] = instant
        }
        // To save the fetching only: taking over seeks and resumes.
        try? consumer?.pause(partitions.flatMap { partition in topics.map { TopicPartition($0, partition) } })
    }

    func makeStep(_ task: TaskID, _ counters: StepCounters, _ streamTime: EventTime?) throws(EngineError)
        -> PartitionStep
    {
        do {
            return try PartitionStep(
                task: task, stage: setup.stage, registry: setup.registry, tables: tables, counters: counters,
                streamTime: streamTime)
        } catch {
            throw EngineError(
                .topology, .stop,
                "stage \(setup.stage.name) cannot be built: \(error.faults.map(\.message).joined(separator: "; "))")
        }
    }
}
