import EgizCore
public import EgizRuntime
public import EgizTwin

/// What people do with dead letters: the rules of `StreamThread+Redrive`, over the same step and the same requests.
extension TopologyDriver {
    private static var mostBatches: Int { 10_000 }

    /// Tries the dead letters again, or drops them, in the order in which they were written: all, or those parked of one thing. Commits
    /// before and after, as redriving happens at the boundary of an epoch (rule 18).
    public func redrive(_ action: RedriveBatch.Action, thing: ThingID? = nil) throws {
        try commit()
        let rows = MemoryTaskStore(store: store, worker: Self.worker)
        for stage in stages {
            let letters = store.letterRows.map(\.letter).filter {
                $0.stage == stage.definition.name && (thing == nil || $0.thing == thing)
            }
            for partition in Set(letters.map(\.position.partition)).sorted() {
                let task = try task(stage, partition)
                store.request(action, of: task.step.task, thing: thing)
                var batches = 0
                while let batch = try rows.redrives(of: [task.lease], limit: 500).first {
                    batches += 1
                    guard batches <= Self.mostBatches else {
                        throw EngineError(.bug, .stop, "redriving the letters of \(task.step.task) does not end")
                    }
                    try run(batch, task, stage)
                    try commit()
                }
            }
        }
    }

    /// Letters that are tried again by themselves, where they are due.
    public func retryDueLetters() throws {
        let rows = MemoryTaskStore(store: store, worker: Self.worker)
        for stage in stages {
            for task in stage.sortedTasks where task.step.keepsLetters {
                var batches = 0
                while let time = task.step.streamTime,
                    let batch = try rows.dueRetries(of: [(task.lease, time)], limit: 64).first
                {
                    batches += 1
                    guard batches <= Self.mostBatches else {
                        throw EngineError(.bug, .stop, "the letters of \(task.step.task) stay due for ever")
                    }
                    try run(batch, task, stage)
                    try commit()
                }
            }
        }
    }

    private func run(_ batch: RedriveBatch, _ task: DriverTask, _ stage: DriverStage) throws {
        var advance = RedriveAdvance(
            request: batch.request, through: 0, resolved: 0, failed: 0, isDone: batch.isLast)
        var met: Set<ThingID> = []
        var stuck: Set<ThingID> = []
        for stored in batch.letters {
            advance.through = stored.id
            let parked = stored.letter.disposition == .parked ? stored.letter.thing : nil
            if batch.action == .retry, let parked {
                if met.insert(parked).inserted, !stored.isFirst { stuck.insert(parked) }
                if stuck.contains(parked) { continue }
            }
            let outcome = try redrive(stored, batch.action, task, stage)
            if case .failed = outcome {
                advance.failed += 1
                if let parked { stuck.insert(parked) }
            } else {
                advance.resolved += 1
                if let parked { _ = task.step.released(parked) }
            }
            task.redriven.append(RedriveResult(letter: stored.id, outcome: outcome))
        }
        if met.contains(where: { !stuck.contains($0) && task.step.isParked($0) }) { advance.isDone = false }
        task.step.noteRedrive()
        task.redrives.append(advance)
    }

    private func redrive(
        _ stored: StoredDeadLetter, _ action: RedriveBatch.Action, _ task: DriverTask, _ stage: DriverStage
    ) throws -> RedriveResult.Outcome {
        if action == .discard { return .discarded }
        let letter = stored.letter
        let record = DriverRecord(
            topic: letter.position.topic, partition: letter.position.partition, offset: letter.position.offset,
            time: letter.recordTime, key: letter.key, value: letter.value, headers: letter.headers)
        let context = PartitionStep.Redrive(attempt: letter.attempts + 1, isLate: letter.disposition == .dead)
        let verdict = try withRaw(record, in: stage) { raw in
            try settle(task, stage) { () throws(EngineError) in
                try task.step.process(raw, headers: letter.headers, redrive: context)
            }
        }
        switch verdict {
        case .refused(let refusal), .queued(let refusal):
            return .failed(code: refusal.code, message: refusal.message)
        case .full(let reason): return .failed(code: "parked", message: reason)
        case .done, .needs, .needsTimers, .epochIsFull: return .resolved
        }
    }

    /// Replaces the value of the dead letters at that place of the log, as somebody mends them.
    /// - Returns: how many there are: one a stage that refused the record.
    public func edit(topic: String, partition: Int32, offset: Int64, value: [UInt8]) -> Int {
        let position = InputPosition(topic: topic, partition: partition, offset: offset)
        let rows = store.letterRows.filter { $0.letter.position == position }
        for row in rows { store.edit(row.id, value: value) }
        return rows.count
    }
}
