import EgizCore
import EgizRuntime
import EgizTwin

/// Notes where stream time went on without a record, so that a fold of the log can repeat it (rule 16).
enum IdleAdvances {
    static func write(_ tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) {
        let idle = tasks.filter { $0.idle != nil }
        guard !idle.isEmpty else { return }
        _ = try connection.query(
            """
            insert into egiz.idle_advance (stage, partition, incarnation, records, stream_time)
            select new.stage, new.partition, task.incarnation, new.records, new.stream_time
            from unnest($1, $2, $3, $4) as new (stage, partition, records, stream_time)
            join egiz.task on task.stage = new.stage and task.partition = new.partition
            on conflict (stage, partition, incarnation, records) do update set stream_time = excluded.stream_time
            """,
            [
                .textArray(idle.map(\.task.stage.text)), .int64Array(idle.map { Int64($0.task.partition) }),
                .int64Array(idle.map { $0.idle?.records }),
                .timestampArray(idle.map { $0.idle?.streamTime.microseconds }),
            ])
    }
}
