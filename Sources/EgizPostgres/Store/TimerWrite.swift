import EgizCore
import EgizTwin

/// Sets and removes timers, of all tasks of an epoch at once.
enum TimerWrite {
    private struct Row {
        var task: TaskID
        var timer: TaskTimer
    }

    static func write(_ changes: [TimerChange], _ connection: PostgresConnection) throws(EngineError) {
        guard !changes.isEmpty else { return }
        try RowBatches.each(of: rows(changes, \.removed)) { rows throws(EngineError) in
            _ = try connection.query(
                """
                delete from egiz.timer using unnest($1, $2, $3, $4, $5) as gone (stage, partition, due, processor, thing_id)
                where timer.stage = gone.stage and timer.partition = gone.partition and timer.due = gone.due
                    and timer.processor = gone.processor and timer.thing_id = gone.thing_id
                """, parameters(rows))
        }
        try RowBatches.each(of: rows(changes, \.set)) { rows throws(EngineError) in
            _ = try connection.query(
                """
                insert into egiz.timer (stage, partition, due, processor, thing_id)
                select * from unnest($1, $2, $3, $4, $5) on conflict do nothing
                """, parameters(rows))
        }
    }

    private static func rows(_ changes: [TimerChange], _ timers: KeyPath<TimerChange, [TaskTimer]>) -> [Row] {
        changes.flatMap { change in change[keyPath: timers].map { Row(task: change.task, timer: $0) } }
    }

    private static func parameters(_ rows: ArraySlice<Row>) -> [PostgresValue] {
        [
            .textArray(rows.map(\.task.stage.text)), .int64Array(rows.map { Int64($0.task.partition) }),
            .timestampArray(rows.map(\.timer.due.microseconds)), .textArray(rows.map(\.timer.processor)),
            .textArray(rows.map(\.timer.thing.text)),
        ]
    }
}
