import EgizCore
import EgizRuntime
import EgizTwin
import Foundation

extension MemoryStore {
    /// One attempt to commit an epoch, with the accident that is planned for it.
    func commit(_ epoch: EpochWrite) throws(EngineError) -> CommitOutcome {
        let accident = begin()
        try checkPresence()
        try checkOrder(epoch)
        switch accident {
        case .failsBeforeLanding:
            throw EngineError(.postgres, .backoff, "Postgres went away before the commit")
        case .refusesData:
            throw EngineError(.postgres, .never, "value out of range", detail: "22003")
        case .answerIsLost:
            _ = change { land(epoch) }
            throw EngineError(.postgres, .backoff, "Postgres went away during the commit")
        case nil:
            let isPoisoned = read { () -> Bool in
                epoch.columns.contains { column in column.texts.contains { $0.map(poison.contains) ?? false } }
                    || epoch.predictions.contains { poison.contains($0.key.thing.text) }
                    || epoch.deadLetters.contains { poison.contains($0.code) }
            }
            if isPoisoned {
                change { refusedEpochCount += 1 }
                throw EngineError(.postgres, .never, "value out of range", detail: "22003")
            }
            return change { land(epoch) }
        }
    }

    /// Postgres locks rows in the order of the epoch: unsorted, two workers could wait for each other (rule 1).
    private func checkOrder(_ epoch: EpochWrite) throws(EngineError) {
        let tasks = epoch.tasks.map(\.task)
        let things = epoch.twins.map(\.snapshot.thing)
        let states = epoch.states.map { ($0.processor, $0.thing) }
        let rollups = epoch.rollups.map { ($0.thing, $0.path, $0.processor, $0.start) }
        let scenes = epoch.scenes.map { ($0.thing, $0.object, $0.target) }
        let alerts = epoch.alerts.map { ($0.thing, $0.key, $0.raisedAt, $0.processor) }
        guard zip(tasks, tasks.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(things, things.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(states, states.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(rollups, rollups.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(scenes, scenes.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(alerts, alerts.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(epoch.predictions, epoch.predictions.dropFirst()).allSatisfy({ $0.key < $1.key }),
            zip(epoch.outboxes, epoch.outboxes.dropFirst()).allSatisfy({ $0.task < $1.task })
        else { throw EngineError(.bug, .stop, "the rows of an epoch are not in the order of their keys") }
    }

    private func begin() -> Accident? {
        change {
            attempts += 1
            held += 1
        }
        condition.lock()
        while isHeld { condition.wait() }
        condition.unlock()
        return change {
            held -= 1
            return accidents.isEmpty ? nil : accidents.removeFirst()
        }
    }

    /// The transaction: all or nothing. Called under the lock.
    private func land(_ epoch: EpochWrite) -> CommitOutcome {
        let stale = epoch.tasks.filter { advance in
            let row = tasks[advance.task]
            return row?.ownerEpoch != advance.ownerEpoch || row?.epoch != advance.epoch - 1
        }
        if !stale.isEmpty {
            // A transaction lands as a whole: one task that stands at this very epoch proves it for all (rule 2).
            let hasLanded = epoch.tasks.contains { advance in
                tasks[advance.task]?.ownerEpoch == advance.ownerEpoch && tasks[advance.task]?.epoch == advance.epoch
            }
            return hasLanded ? .committed : .fenced(stale.map(\.task))
        }
        let foreign = epoch.twins.filter { row in
            twins[row.snapshot.thing].map { $0.home != row.home } ?? false
        }
        if !foreign.isEmpty { return .foreign(foreign.map(\.snapshot.thing)) }
        for advance in epoch.tasks {
            var row = tasks[advance.task] ?? TaskRow()
            row.epoch = advance.epoch
            row.counters = advance.counters
            row.streamTime = advance.streamTime
            if let rules = advance.rules { row.rules = rules }
            if let idle = advance.idle { row.idle[idle.records] = idle.streamTime }
            for offset in advance.offsets {
                row.positions[offset.topic] = TaskLease.Position(next: offset.next, mark: offset.mark)
            }
            tasks[advance.task] = row
        }
        for row in epoch.twins { twins[row.snapshot.thing] = row }
        for column in epoch.columns {
            samples[Series(column.series.thing.text, column.series.path), default: []] += MemorySample.samples(
                of: column)
        }
        landGuarantees(epoch)
        commits.append(epoch.tasks)
        return .committed
    }

    private func landGuarantees(_ epoch: EpochWrite) {
        for row in epoch.states {
            let key = StateKey(stage: row.home.stage, processor: row.processor, thing: row.thing)
            states[key] = row.bytes == nil ? nil : row
        }
        for change in epoch.timers {
            timers[change.task, default: []].subtract(change.removed)
            timers[change.task, default: []].formUnion(change.set)
        }
        for row in epoch.rollups {
            rollups[
                RollupKey(
                    stage: row.home.stage, processor: row.processor, thing: row.thing, path: row.path, start: row.start)
            ] = row
        }
        for row in epoch.scenes {
            scenes[SceneKey(thing: row.thing, object: row.object, target: row.target)] = row.value == nil ? nil : row
        }
        for row in epoch.alerts {
            let key = AlertKey(thing: row.thing, processor: row.processor, key: row.key, raisedAt: row.raisedAt)
            alerts[key] = row
        }
        for sweep in epoch.sweeps { land(sweep) }
        for row in epoch.predictions where predictions[row.key].map({ row.isOlder(than: $0) }) != true {
            predictions[row.key] = row
        }
        inbox.removeAll { epoch.consumed.contains($0.id) }
        for outbox in epoch.outboxes {
            outboxes[outbox.task, default: []].append(outbox)
            outputs += outbox.records
        }
        acknowledge(epoch.acknowledged)
        for letter in epoch.deadLetters {
            let incarnation =
                tasks[TaskID(stage: letter.stage, partition: letter.position.partition)]?.incarnation ?? 1
            letters.append(LetterRow(id: nextLetter, letter: letter, incarnation: incarnation))
            nextLetter += 1
        }
        for result in epoch.redriven {
            guard let index = letters.firstIndex(where: { $0.id == result.letter }) else { continue }
            switch result.outcome {
            case .resolved, .discarded: letters.remove(at: index)
            case .failed(let code, let message):
                letters[index].letter.attempts += 1
                letters[index].letter.retryAt = nil
                letters[index].letter.code = code
                letters[index].letter.message = message
            }
        }
        for advance in epoch.redrives {
            guard let index = requests.firstIndex(where: { $0.id == advance.request }) else { continue }
            requests[index].through = max(requests[index].through, advance.through)
            requests[index].resolved += advance.resolved
            requests[index].failed += advance.failed
            requests[index].isDone = advance.isDone
        }
    }

    private func land(_ sweep: RulesSweep) {
        var gone: [(processor: String, thing: ThingID)] = []
        for (key, row) in scenes
        where row.home.stage == sweep.task.stage && sweep.things.contains(row.thing)
            && !sweep.processors.contains(row.processor)
        {
            scenes[key] = nil
            gone.append((row.processor, row.thing))
        }
        for (key, row) in alerts
        where row.home.stage == sweep.task.stage && sweep.things.contains(row.thing) && row.clearedAt == nil
            && !sweep.processors.contains(row.processor)
        {
            alerts[key]?.state = .cleared
            alerts[key]?.clearedAt = sweep.time
            alerts[key]?.updatedAt = sweep.time
            gone.append((row.processor, row.thing))
        }
        for one in gone {
            states[StateKey(stage: sweep.task.stage, processor: one.processor, thing: one.thing)] = nil
        }
    }

    func acknowledge(_ done: [Outbox.Acknowledgement]) {
        for entry in done { outboxes[entry.task]?.removeAll { $0.epoch <= entry.epoch } }
    }
}
