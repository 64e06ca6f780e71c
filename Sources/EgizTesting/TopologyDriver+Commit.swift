import EgizCore
import EgizRuntime
import EgizTwin

extension TopologyDriver {
    /// More attempts than any test plans to fail.
    private static var mostAttempts: Int { 1000 }

    /// Ends the open epoch of every task and writes it to `store`: tried again while Postgres is away, and record by record where
    /// Postgres refuses its data (rules 2 and 6).
    public func commit() throws {
        for stage in stages {
            do {
                for task in stage.sortedTasks where task.step.hasOpenWork { try commit(task) }
            } catch let error as EngineError where error.retry == .never {
                try findRefused(in: stage)
            }
        }
        try deliver()
    }

    private func commit(_ task: DriverTask) throws {
        let (epoch, output) = task.close()
        let outcome = try write(epoch)
        guard case .committed = outcome else {
            throw EngineError(.state, .stop, "the epoch of \(task.step.task) was not committed: \(outcome)")
        }
        task.epoch += 1
        underWay += output.outputs.filter { isRead($0.topic) }
        task.step.committed(task.epoch, output: output, cacheBytes: cacheBytes)
    }

    private func write(_ epoch: EpochWrite) throws(EngineError) -> CommitOutcome {
        var attempts = 0
        while true {
            do throws(EngineError) {
                return try store.commit(epoch)
            } catch {
                attempts += 1
                guard error.retry == .backoff, attempts < Self.mostAttempts else { throw error }
            }
        }
    }

    /// Postgres refused the data of some epoch: all uncommitted work is dropped and done again, every record an epoch of its own.
    /// What the engine's halving ends with, without its search.
    private func findRefused(in stage: DriverStage) throws {
        stage.tasks = [:]
        for record in uncommitted(in: stage) {
            try run(record, in: stage)
            let task = try task(stage, record.partition)
            do {
                try commit(task)
            } catch let error as EngineError where error.retry == .never {
                stage.tasks[record.partition] = nil
                try condemn(record, error, in: stage)
            }
        }
    }

    private func condemn(_ record: DriverRecord, _ error: EngineError, in stage: DriverStage) throws {
        let task = try task(stage, record.partition)
        try withRaw(record, in: stage) { raw in
            task.step.countCondemned(raw)
            let thing = record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) }
            setAside(
                raw, record.topic, record.headers,
                .init(code: "sql-\(error.detail ?? "?")", message: error.message, thing: thing, processor: nil),
                in: stage, task, attempts: 1)
            task.positions[record.topic] = (NextOffset(after: record.offset), RecordMark(of: raw))
        }
        try commit(task)
    }

    /// The records at and after the committed positions of a stage, in the order in which they were sent.
    func uncommitted(in stage: DriverStage) -> [DriverRecord] {
        log.filter { record in
            guard stage.index(of: record.topic) != nil else { return false }
            let task = TaskID(stage: stage.definition.name, partition: record.partition)
            return store.position(of: task, topic: record.topic).map { record.offset >= $0 } ?? true
        }
    }
}
