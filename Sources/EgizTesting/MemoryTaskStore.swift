import EgizCore
import EgizRuntime
import EgizTwin

/// The stream thread's connection to a `MemoryStore`.
final class MemoryTaskStore: TaskStore {
    private let store: MemoryStore
    private let worker: WorkerIdentity

    init(store: MemoryStore, worker: WorkerIdentity) {
        self.store = store
        self.worker = worker
    }

    func acquire(_ tasks: [TaskID], partitions: Int32, topologyVersion: Int64) throws(EngineError) -> [TaskLease] {
        try store.checkPresence()
        return try store.change { () throws(EngineError) in
            if let stage = tasks.first?.stage {
                let stored = store.partitions[stage] ?? partitions
                guard stored == partitions else {
                    throw EngineError(
                        .topology, .stop,
                        "stage \(stage) was built on \(stored) partitions and its topics have \(partitions); see `egiz topology repartition`"
                    )
                }
                store.partitions[stage] = partitions
            }
            return tasks.map { id in
                var row = store.tasks[id] ?? .init()
                let previous = row.owner
                let previousTransactionalID = previous == nil ? nil : row.transactionalID
                row.ownerEpoch += 1
                row.owner = worker.id
                row.version = topologyVersion
                store.tasks[id] = row
                var lease = TaskLease(
                    task: id, ownerEpoch: row.ownerEpoch, epoch: row.epoch, positions: row.positions,
                    streamTime: row.streamTime, counters: row.counters, log: row.log, previousOwner: previous)
                lease.incarnation = row.incarnation
                lease.previousTransactionalID = previousTransactionalID
                lease.hasPendingOutboxes = !(store.outboxes[id] ?? []).isEmpty
                lease.parked = parkedLocked(id)
                lease.rules = row.rules
                return lease
            }
        }
    }

    func name(_ transactionalID: String?, of leases: [TaskLease]) throws(EngineError) {
        try store.checkPresence()
        try store.change { () throws(EngineError) in
            for lease in leases where store.tasks[lease.task]?.ownerEpoch != lease.ownerEpoch {
                throw EngineError(.ownership, .backoff, "another worker owns \(lease.task)")
            }
            for lease in leases { store.tasks[lease.task]?.transactionalID = transactionalID }
        }
    }

    @discardableResult
    func release(_ leases: [TaskLease]) throws(EngineError) -> [TaskID] {
        try store.checkPresence()
        return store.change {
            var lost: [TaskID] = []
            for lease in leases {
                if store.tasks[lease.task]?.ownerEpoch == lease.ownerEpoch {
                    store.tasks[lease.task]?.owner = nil
                    store.tasks[lease.task]?.transactionalID = nil
                } else {
                    lost.append(lease.task)
                }
            }
            return lost
        }
    }

    func reposition(_ moves: [TaskMove]) throws(EngineError) {
        try store.checkPresence()
        try store.change { () throws(EngineError) in
            for move in moves where store.tasks[move.lease.task]?.ownerEpoch != move.lease.ownerEpoch {
                throw EngineError(.ownership, .backoff, "another worker owns \(move.lease.task)")
            }
            for move in moves {
                let task = move.lease.task
                let moved = Set(move.gaps.map(\.topic))
                for (topic, next) in move.positions {
                    let mark = moved.contains(topic) ? nil : store.tasks[task]?.positions[topic]?.mark
                    store.tasks[task]?.positions[topic] = .init(next: next, mark: mark)
                }
                store.tasks[task]?.log = move.log
                if move.beginsAnew { store.tasks[task]?.incarnation += 1 }
                store.gaps += move.gaps
            }
        }
    }

    func restore(_ things: [ThingID], of stage: StageName, states processors: [String]) throws(EngineError)
        -> RestoredThings
    {
        try store.checkPresence()
        return try store.change { () throws(EngineError) in
            guard store.failingLoads == 0 else {
                store.failingLoads -= 1
                store.refusals += 1
                throw EngineError(.postgres, .backoff, "Postgres did not answer")
            }
            store.loads.append(things)
            var states: [StateRow] = []
            for thing in things {
                for processor in processors {
                    if let row = store.states[.init(stage: stage, processor: processor, thing: thing)] {
                        states.append(row)
                    }
                }
            }
            return RestoredThings(twins: things.compactMap { store.twins[$0] }, states: states)
        }
    }

    func timers(of task: TaskID, after: TaskTimer?, limit: Int) throws(EngineError) -> [TaskTimer] {
        try store.checkPresence()
        let rest = store.allTimers(of: task).filter { timer in after.map { $0 < timer } ?? true }
        return Array(rest.prefix(limit))
    }

    func outboxes(of lease: TaskLease) throws(EngineError) -> [Outbox] {
        try store.checkPresence()
        try store.checkOutboxLoad()
        store.comeBetweenOutboxLoad()
        return try store.read { () throws(EngineError) in
            guard store.tasks[lease.task]?.ownerEpoch == lease.ownerEpoch else {
                throw EngineError(.ownership, .backoff, "another worker owns \(lease.task)")
            }
            return (store.outboxes[lease.task] ?? []).sorted { $0.epoch < $1.epoch }
        }
    }

    func delete(_ acknowledged: [Outbox.Acknowledgement], of leases: [TaskLease]) throws(EngineError) {
        try store.checkPresence()
        store.change {
            let mine = leases.filter { store.tasks[$0.task]?.ownerEpoch == $0.ownerEpoch }.map(\.task)
            store.acknowledge(acknowledged.filter { mine.contains($0.task) })
        }
    }

    func refuse(_ refused: [Int: EngineError], of outbox: Outbox, lease: TaskLease) throws(EngineError) {
        try store.checkPresence()
        try store.change { () throws(EngineError) in
            guard store.tasks[lease.task]?.ownerEpoch == lease.ownerEpoch else {
                throw EngineError(.ownership, .backoff, "another worker owns \(lease.task)")
            }
            guard let index = store.outboxes[lease.task]?.firstIndex(where: { $0.epoch == outbox.epoch }) else {
                return
            }
            let records = outbox.records.enumerated()
            store.deadOutputs += records.filter { refused[$0.offset] != nil }.map(\.element)
            store.outboxes[lease.task]?[index].records = records.filter { refused[$0.offset] == nil }.map(\.element)
        }
    }

    func lost(of leases: [TaskLease]) throws(EngineError) -> [TaskID] {
        try store.checkPresence()
        return store.read { leases.filter { store.tasks[$0.task]?.ownerEpoch != $0.ownerEpoch }.map(\.task) }
    }

    func redrives(of leases: [TaskLease], limit: Int) throws(EngineError) -> [RedriveBatch] {
        try store.checkPresence()
        return store.change {
            store.looks += 1
            return leases.compactMap { lease -> RedriveBatch? in
                guard let request = store.requests.first(where: { $0.task == lease.task && !$0.isDone }) else {
                    return nil
                }
                let rows = store.letters.filter { row in
                    row.letter.stage == lease.task.stage && row.letter.position.partition == lease.task.partition
                        && row.id > request.through
                        && (row.id <= request.upTo || row.letter.disposition == .parked)
                        && (request.thing == nil
                            || (row.letter.thing == request.thing && row.letter.disposition == .parked))
                }
                let letters = rows.prefix(limit).map { row in
                    let isFirst = !store.letters.contains { other in
                        other.id < row.id && other.letter.disposition == .parked
                            && other.letter.thing == row.letter.thing && other.letter.stage == row.letter.stage
                    }
                    return StoredDeadLetter(
                        id: row.id, letter: row.letter, incarnation: row.incarnation, isFirst: isFirst)
                }
                return RedriveBatch(
                    request: request.id, task: lease.task, action: request.action, rate: request.rate,
                    letters: letters, isLast: rows.count <= limit)
            }
        }
    }

    func databaseID() throws(EngineError) -> String {
        try store.checkPresence()
        return MemoryStore.databaseID
    }

    func dueRetries(of leases: [(lease: TaskLease, streamTime: EventTime)], limit: Int) throws(EngineError)
        -> [RedriveBatch]
    {
        try store.checkPresence()
        return store.read {
            leases.compactMap { mine -> RedriveBatch? in
                let task = mine.lease.task
                var due: [(at: EventTime, row: MemoryStore.LetterRow)] = []
                for row in store.letters
                where row.letter.stage == task.stage && row.letter.position.partition == task.partition {
                    if let at = row.letter.retryAt, at <= mine.streamTime { due.append((at, row)) }
                }
                due.sort { ($0.at, $0.row.id) < ($1.at, $1.row.id) }
                guard !due.isEmpty else { return nil }
                let letters = due.prefix(limit).map {
                    StoredDeadLetter(id: $0.row.id, letter: $0.row.letter, incarnation: $0.row.incarnation)
                }
                return RedriveBatch(
                    request: 0, task: task, action: .retry, rate: nil, letters: letters, isLast: true)
            }
        }
    }

    func parked(of tasks: [TaskID]) throws(EngineError) -> [TaskID: [ThingID: Int]] {
        try store.checkPresence()
        if store.read({ store.isParkedAway }) {
            throw EngineError(.postgres, .backoff, "what is parked cannot be read")
        }
        return store.read {
            var parked: [TaskID: [ThingID: Int]] = [:]
            for task in tasks { parked[task] = parkedLocked(task) }
            return parked
        }
    }

    private func parkedLocked(_ task: TaskID) -> [ThingID: Int] {
        var counts: [ThingID: Int] = [:]
        for row in store.letters
        where row.letter.stage == task.stage && row.letter.position.partition == task.partition
            && row.letter.disposition == .parked
        {
            if let thing = row.letter.thing { counts[thing, default: 0] += 1 }
        }
        return counts
    }

    func registry(after version: Int64?) throws(EngineError) -> RuleRegistry? {
        try store.checkPresence()
        if store.read({ store.isRegistryAway }) {
            throw EngineError(.postgres, .backoff, "the registry cannot be read")
        }
        return store.read { store.ruleRegistry.version == version ? nil : store.ruleRegistry }
    }

    func things(of task: TaskID, after: String, limit: Int) throws(EngineError) -> [ThingID] {
        try store.checkPresence()
        let mine = store.allTwins.values.filter { $0.home == task }.map(\.snapshot.thing).sorted()
        return Array(mine.filter { after.utf8.lexicographicallyPrecedes($0.text.utf8) }.prefix(limit))
    }

    func things(of task: TaskID, among things: [ThingID]) throws(EngineError) -> [ThingID] {
        try store.checkPresence()
        return things.filter { store.twin($0)?.home == task }
    }

    func inbox(of leases: [TaskLease], limit: Int) throws(EngineError) -> [InboxMessage] {
        try store.checkPresence()
        let mine = Set(leases.map(\.task))
        return Array(store.waitingMessages.filter { mine.contains($0.task) }.prefix(limit))
    }

    func close() {}
}
