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
            return change { land(epoch) }
        }
    }

    /// Postgres locks rows in the order of the epoch: unsorted, two workers could wait for each other (rule 1).
    private func checkOrder(_ epoch: EpochWrite) throws(EngineError) {
        let tasks = epoch.tasks.map(\.task)
        let things = epoch.twins.map(\.snapshot.thing)
        guard zip(tasks, tasks.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(things, things.dropFirst()).allSatisfy({ $0 < $1 })
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
        deadLetters += epoch.deadLetters
        commits.append(epoch.tasks)
        return .committed
    }
}
