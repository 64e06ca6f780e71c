public import EgizCore
public import EgizRuntime
public import EgizTwin

/// Dead letters of other systems.
extension PostgresTaskStore {
    public func databaseID() throws(EngineError) -> String {
        let (connection, _) = try session.connection()
        guard let id = try connection.query("select database_id::text from egiz.identity").first?.text(0) else {
            throw EngineError(
                .state, .stop, "the table egiz.identity is empty: somebody changed it by hand; insert its one row again"
            )
        }
        return id
    }

    public func dueRetries(of leases: [(lease: TaskLease, streamTime: EventTime)], limit: Int) throws(EngineError)
        -> [RedriveBatch]
    {
        guard !leases.isEmpty, limit > 0 else { return [] }
        let (connection, _) = try session.connection()
        // In the form of `redrives`: both are read alike.
        let rows = try connection.query(
            """
            select mine.place, 0::bigint, 'retry', null::bigint, 0::bigint,
                letter.dead_letter_id, letter.topic, letter.incarnation, letter."offset", letter.record_time, letter.key,
                case when letter.edited_at is null then letter.value else letter.edited_value end, letter.headers,
                letter.code, letter.message, letter.thing_id, letter.processor, letter.disposition, letter.attempts, true
            from unnest($1, $2, $3, $4) with ordinality as mine (stage, partition, owner_epoch, due, place)
            join egiz.task on task.stage = mine.stage and task.partition = mine.partition
                and task.owner_epoch = mine.owner_epoch
            join lateral (
                select * from egiz.dead_letter
                where dead_letter.stage = mine.stage and dead_letter.partition = mine.partition
                    and dead_letter.retry_at <= mine.due
                order by dead_letter.retry_at, dead_letter_id limit $5
            ) letter on true
            order by mine.place, letter.retry_at, letter.dead_letter_id
            """,
            [
                .textArray(leases.map { $0.lease.task.stage.text }),
                .int64Array(leases.map { Int64($0.lease.task.partition) }),
                .int64Array(leases.map { $0.lease.ownerEpoch }),
                .timestampArray(leases.map { $0.streamTime.microseconds }), .int64(Int64(limit)),
            ])
        var batches: [RedriveBatch] = []
        for row in rows {
            guard let place = row.int64(0) else { continue }
            let task = leases[Int(place) - 1].lease.task
            if batches.last?.task != task {
                batches.append(
                    RedriveBatch(request: 0, task: task, action: .retry, rate: nil, letters: [], isLast: true))
            }
            batches[batches.count - 1].letters.append(try letter(row, task))
        }
        return batches
    }
}
