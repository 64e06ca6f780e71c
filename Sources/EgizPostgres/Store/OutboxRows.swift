import EgizCore
import EgizRuntime
import EgizTwin

/// The table `outbox`: what epochs emitted and Kafka has not acknowledged (contract 4).
enum OutboxRows {
    private struct Row {
        var outbox: Outbox
        var body: [UInt8]
    }

    /// Called after the fence of the epoch: the task rows are ours and locked, so the incarnation cannot change under it.
    static func insert(_ outboxes: [Outbox], _ connection: PostgresConnection) throws(EngineError) {
        guard !outboxes.isEmpty else { return }
        let rows = outboxes.map { Row(outbox: $0, body: OutboxFrame.encode($0.records)) }
        try RowBatches.each(of: rows, size: { $0.body.count }) { rows throws(EngineError) in
            _ = try connection.query(
                """
                insert into egiz.outbox (stage, partition, epoch, incarnation, records, bytes, body)
                select new.stage, new.partition, new.epoch, task.incarnation, new.records, new.bytes, new.body
                from unnest($1, $2, $3, $4, $5, $6) as new (stage, partition, epoch, records, bytes, body)
                join egiz.task on task.stage = new.stage and task.partition = new.partition
                """,
                [
                    .textArray(rows.map(\.outbox.task.stage.text)),
                    .int64Array(rows.map { Int64($0.outbox.task.partition) }), .int64Array(rows.map(\.outbox.epoch)),
                    .int64Array(rows.map { Int64($0.outbox.records.count) }),
                    .int64Array(rows.map { Int64(size($0.outbox.records)) }), .bytesArray(rows.map(\.body)),
                ])
        }
    }

    /// Deletes what Kafka has, of tasks whose fence is `ownerEpochs` (in the order of `acknowledged`); nil: the fence was
    /// checked in this transaction.
    static func delete(
        _ acknowledged: [Outbox.Acknowledgement], ownerEpochs: [Int64]? = nil, _ connection: PostgresConnection
    ) throws(EngineError) {
        guard !acknowledged.isEmpty else { return }
        let rows: [PostgresValue] = [
            .textArray(acknowledged.map(\.task.stage.text)),
            .int64Array(acknowledged.map { Int64($0.task.partition) }), .int64Array(acknowledged.map(\.epoch)),
        ]
        if let ownerEpochs {
            _ = try connection.query(
                """
                delete from egiz.outbox using unnest($1, $2, $3, $4) as done (stage, partition, epoch, owner_epoch), egiz.task
                where outbox.stage = done.stage and outbox.partition = done.partition and outbox.epoch <= done.epoch
                    and task.stage = done.stage and task.partition = done.partition and task.owner_epoch = done.owner_epoch
                """, rows + [.int64Array(ownerEpochs.map { $0 })])
        } else {
            _ = try connection.query(
                """
                delete from egiz.outbox using unnest($1, $2, $3) as done (stage, partition, epoch)
                where outbox.stage = done.stage and outbox.partition = done.partition and outbox.epoch <= done.epoch
                """, rows)
        }
    }

    /// All of the task, by epoch.
    static func read(of task: TaskID, _ connection: PostgresConnection) throws(EngineError) -> [Outbox] {
        try decode(
            connection.query(
                "select epoch, body from egiz.outbox where stage = $1 and partition = $2 order by epoch",
                [.text(task.stage.text), .int64(Int64(task.partition))]), of: task)
    }

    /// All of the task, by epoch; nil where it is not the lease's any more: what lies there then may be another owner's.
    static func read(of lease: TaskLease, _ connection: PostgresConnection) throws(EngineError) -> [Outbox]? {
        // In one statement, which sees the fence and the outboxes as they were at one time.
        let rows = try connection.query(
            """
            select outbox.epoch, outbox.body from egiz.task
            left join egiz.outbox on outbox.stage = task.stage and outbox.partition = task.partition
            where task.stage = $1 and task.partition = $2 and task.owner_epoch = $3
            order by outbox.epoch
            """,
            [
                .text(lease.task.stage.text), .int64(Int64(lease.task.partition)), .int64(lease.ownerEpoch),
            ])
        if rows.isEmpty { return nil }
        return try decode(rows, of: lease.task)
    }

    private static func decode(_ rows: PostgresRows, of task: TaskID) throws(EngineError) -> [Outbox] {
        var outboxes: [Outbox] = []
        for row in rows {
            guard let epoch = row.int64(0) else { continue }
            let records = try OutboxFrame.decode(row.bytes(1) ?? [], task: task, epoch: epoch)
            outboxes.append(Outbox(task: task, epoch: epoch, records: records))
        }
        return outboxes
    }

    /// Replaces the records of a stored outbox; without records the row goes. For a transaction that has locked the task.
    static func rewrite(_ outbox: Outbox, _ connection: PostgresConnection) throws(EngineError) {
        let key: [PostgresValue] = [
            .text(outbox.task.stage.text), .int64(Int64(outbox.task.partition)), .int64(outbox.epoch),
        ]
        guard !outbox.records.isEmpty else {
            _ = try connection.query(
                "delete from egiz.outbox where stage = $1 and partition = $2 and epoch = $3", key)
            return
        }
        _ = try connection.query(
            """
            update egiz.outbox set records = $4::int, bytes = $5::int, body = $6
            where stage = $1 and partition = $2 and epoch = $3
            """,
            key + [
                .int64(Int64(outbox.records.count)), .int64(Int64(size(outbox.records))),
                .bytes(OutboxFrame.encode(outbox.records)),
            ])
    }

    private static func size(_ records: [OutputRecord]) -> Int {
        Int(Int32(clamping: records.reduce(0) { $0 + $1.size }))
    }
}
