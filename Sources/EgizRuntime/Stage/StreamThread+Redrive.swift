import EgizCore
import EgizTwin
import Logging

/// Dead letters that people want to have tried again, or dropped: only the task's owner does that (rule 18).
extension StreamThread {
    private static var mostLetters: Int { 500 }
    /// They come whole: fewer, because each may have a megabyte.
    private static var mostRetries: Int { 64 }

    /// Looks for requests now and then, and runs the next letters of each into the open epoch; one batch an epoch.
    func redrive(_ now: ContinuousClock.Instant) throws(EngineError) {
        let since = redriveLook.duration(to: now)
        guard !isRedriving, halving == nil, !tasks.isEmpty, since >= setup.configuration.redriveInterval, let store
        else { return }
        redriveLook = now
        let batches: [RedriveBatch]
        do throws(EngineError) {
            batches = try nextRedrives(store)
        } catch {
            guard error.retry == .backoff else { throw error }
            return
        }
        if batches.isEmpty {
            redrivesSingly = false
            condemnedLetters = [:]
        }
        for batch in redrivesSingly ? Array(batches.prefix(1)) : batches {
            guard let task = tasks[batch.task.partition] else { continue }
            try run(batch, in: task, since: since)
            isRedriving = true
        }
        if redrivesSingly, isRedriving, !awaitsBaseline { closeEpoch() }
    }

    /// What people ask for, and else the letters that are tried again by themselves, where the stage has such.
    private func nextRedrives(_ store: any TaskStore) throws(EngineError) -> [RedriveBatch] {
        let asked = try store.redrives(of: tasks.values.map(\.lease), limit: redrivesSingly ? 1 : Self.mostLetters)
        guard asked.isEmpty else { return asked }
        var due: [(lease: TaskLease, streamTime: EventTime)] = []
        for task in tasks.values where task.step.keepsLetters {
            if let time = task.step.streamTime { due.append((task.lease, time)) }
        }
        guard !due.isEmpty else { return [] }
        return try store.dueRetries(of: due, limit: redrivesSingly ? 1 : Self.mostRetries)
    }

    /// Letters that are tried one by one go alone into an epoch, so that the one that Postgres refuses is known: finishes what is
    /// open when a look is due; true while that is under way.
    func drainForRedrive(_ now: ContinuousClock.Instant) throws(EngineError) -> Bool {
        guard redrivesSingly, !isRedriving, halving == nil,
            redriveLook.duration(to: now) >= setup.configuration.redriveInterval
        else { return false }
        if pipeline.isCommitting {
            try awaitCommit()
            return true
        }
        guard openWork.records > 0 else { return false }
        try closeOrWait()
        return true
    }

    private func run(_ batch: RedriveBatch, in task: OwnedTask, since: Duration) throws(EngineError) {
        // At least one a look, so that a low rate still moves.
        let most = batch.rate.map { max(1, Int(Double($0) * min(since.seconds, 1))) } ?? .max
        var advance = RedriveAdvance(
            request: batch.request, through: 0, resolved: 0, failed: 0,
            isDone: batch.isLast && batch.letters.count <= most)
        var met: Set<ThingID> = []
        var stuck: Set<ThingID> = []
        makeRoom()
        for stored in batch.letters.prefix(most) {
            let before = advance.through
            advance.through = stored.id
            let thing = stored.letter.thing
            if batch.action == .retry, stored.letter.disposition == .parked, let thing {
                // Behind a letter that failed again, now or in an earlier batch, the others of its thing must wait.
                if met.insert(thing).inserted, !stored.isFirst { stuck.insert(thing) }
                if stuck.contains(thing) { continue }
            }
            guard let outcome = try redrive(stored, batch.action, in: task) else {
                // The next look goes on with this letter, in another epoch.
                advance.through = before
                advance.isDone = false
                task.owesTimers = true
                break
            }
            if case .failed = outcome {
                advance.failed += 1
                if stored.letter.disposition == .parked, let thing { stuck.insert(thing) }
            } else {
                advance.resolved += 1
                if stored.letter.disposition == .parked, let thing, task.step.released(thing) {
                    logger.info("a parked thing goes on", metadata: [LogKey.partition: "\(task.id.partition)"])
                }
            }
            extras.redriven.append(RedriveResult(letter: stored.id, outcome: outcome))
        }
        // Records that queued meanwhile are not in the store yet: the request ends with the one that releases the thing.
        if batch.isLast, met.contains(where: { !stuck.contains($0) && task.step.isParked($0) }) {
            advance.isDone = false
            // Under steady input there would always be another one: the task holds until the next look.
            task.blockedUntil = ContinuousClock.now.advanced(by: setup.configuration.redriveInterval)
            try consumer?.pause(topics.map { TopicPartition($0, task.id.partition) })
        }
        task.step.noteRedrive()
        extras.redrives.append(advance)
    }

    /// Nil where timers come first for which the open epoch has no room.
    private func redrive(_ stored: StoredDeadLetter, _ action: RedriveBatch.Action, in task: OwnedTask)
        throws(EngineError) -> RedriveResult.Outcome?
    {
        if action == .discard { return .discarded }
        if let error = condemnedLetters[stored.id] {
            return .failed(code: "sql-\(error.detail ?? "?")", message: error.message)
        }
        let letter = stored.letter
        guard let topic = topics.firstIndex(of: letter.position.topic) else {
            return .failed(
                code: "topic", message: "the stage reads topic \(letter.position.topic) no longer; discard the letter")
        }
        let context = PartitionStep.Redrive(
            attempt: letter.attempts + 1, isLate: letter.disposition == .dead, incarnation: stored.incarnation)
        var loading = Loading()
        while true {
            crashGuard?.enter(topic: topic, partition: letter.position.partition, offset: letter.position.offset)
            // One copy each: this is no hot path.
            let verdict = try PaddedBytes.with(letter.key) { key throws(EngineError) in
                try PaddedBytes.with(letter.value) { value throws(EngineError) in
                    try task.step.process(
                        RawRecord(
                            topic: topic, partition: letter.position.partition, offset: letter.position.offset,
                            timestamp: letter.recordTime, key: key, value: value), headers: letter.headers,
                        redrive: context)
                }
            }
            crashGuard?.leave()
            switch verdict {
            case .done: return .resolved
            case .refused(let refusal), .queued(let refusal):
                return .failed(code: refusal.code, message: refusal.message)
            case .full(let reason): return .failed(code: "parked", message: reason)
            case .needs(let thing):
                try loading.ask(for: thing)
                try load([thing], into: task)
            case .needsTimers(let after): try loadTimers(after: after, into: task)
            case .epochIsFull: return nil
            }
        }
    }
}
