public import EgizCore
public import EgizRuntime
import EgizTwin

/// Outboxes outside epochs: after a takeover, when idle, and when Kafka refuses a record.
extension PostgresTaskStore {
    public func outboxes(of lease: TaskLease) throws(EngineError) -> [Outbox] {
        let (connection, _) = try session.connection()
        if let outboxes = try OutboxRows.read(of: lease, connection) { return outboxes }
        throw EngineError(
            .ownership, .backoff, "another worker took over task \(lease.task) before its outboxes were read")
    }

    public func delete(_ acknowledged: [Outbox.Acknowledgement], of leases: [TaskLease]) throws(EngineError) {
        let fences = Dictionary(leases.map { ($0.task, $0.ownerEpoch) }) { _, last in last }
        let ours = acknowledged.filter { fences[$0.task] != nil }
        guard !ours.isEmpty else { return }
        let (connection, _) = try session.connection()
        try OutboxRows.delete(ours, ownerEpochs: ours.map { fences[$0.task] ?? -1 }, connection)
    }

    public func lost(of leases: [TaskLease]) throws(EngineError) -> [TaskID] {
        guard !leases.isEmpty else { return [] }
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select mine.place from unnest($1, $2, $3) with ordinality as mine (stage, partition, owner_epoch, place)
            where not exists (
                select from egiz.task where task.stage = mine.stage and task.partition = mine.partition
                    and task.owner_epoch = mine.owner_epoch)
            order by mine.place
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64Array(leases.map(\.ownerEpoch)),
            ])
        return rows.compactMap { row in row.int64(0).map { leases[Int($0) - 1].task } }
    }

    public func refuse(_ refused: [Int: EngineError], of outbox: Outbox, lease: TaskLease) throws(EngineError) {
        guard !refused.isEmpty else { return }
        let (connection, _) = try session.connection()
        try connection.transaction { connection throws(EngineError) in
            let owned = try connection.query(
                "select from egiz.task where stage = $1 and partition = $2 and owner_epoch = $3 for update",
                [
                    .text(lease.task.stage.text), .int64(Int64(lease.task.partition)), .int64(lease.ownerEpoch),
                ])
            guard !owned.isEmpty else {
                throw EngineError(
                    .ownership, .backoff,
                    "another worker took over task \(lease.task) before refused records were set aside")
            }
            // By id, not by index: the answer to an earlier commit of this may be lost, and the stored outbox shorter by now.
            var reasons: [String: EngineError] = [:]
            for (index, reason) in refused where outbox.records.indices.contains(index) {
                reasons[outbox.records[index].id] = reason
            }
            let stored = try OutboxRows.read(of: lease.task, connection).first { $0.epoch == outbox.epoch }
            guard var stored else { return }
            let dead = stored.records.filter { reasons[$0.id] != nil }
            guard !dead.isEmpty else { return }
            try DeadOutputInsert.write(dead.map { ($0, reasons[$0.id]) }, of: stored, connection)
            stored.records.removeAll { reasons[$0.id] != nil }
            try OutboxRows.rewrite(stored, connection)
        }
    }
}
