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

    func acquire(_ tasks: [TaskID], partitions: Int32, topologyVersion: Int64, transactionalID: String?)
        throws(EngineError) -> [TaskLease]
    {
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
                row.ownerEpoch += 1
                row.owner = worker.id
                row.version = topologyVersion
                store.tasks[id] = row
                return TaskLease(
                    task: id, ownerEpoch: row.ownerEpoch, epoch: row.epoch, positions: row.positions,
                    streamTime: row.streamTime, counters: row.counters, log: row.log, previousOwner: previous)
            }
        }
    }

    func release(_ leases: [TaskLease]) throws(EngineError) {
        try store.checkPresence()
        store.change {
            for lease in leases where store.tasks[lease.task]?.ownerEpoch == lease.ownerEpoch {
                store.tasks[lease.task]?.owner = nil
            }
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
            return RestoredThings(twins: things.compactMap { store.twins[$0] }, states: [])
        }
    }

    func timers(of task: TaskID, after: TaskTimer?, limit: Int) throws(EngineError) -> [TaskTimer] { [] }
    func outboxes(of task: TaskID) throws(EngineError) -> [Outbox] { [] }
    func delete(_ acknowledged: [Outbox.Acknowledgement], of leases: [TaskLease]) throws(EngineError) {}
    func refuse(_ refused: [Int: EngineError], of outbox: Outbox, lease: TaskLease) throws(EngineError) {}
    func lost(of leases: [TaskLease]) throws(EngineError) -> [TaskID] { [] }
    func redrives(of leases: [TaskLease], limit: Int) throws(EngineError) -> [RedriveBatch] { [] }
    func parked(of tasks: [TaskID]) throws(EngineError) -> [TaskID: [ThingID: Int]] { [:] }

    func close() {}
}
