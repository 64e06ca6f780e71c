import EgizCore
import EgizRuntime
import EgizTwin

/// The first statement of an epoch: moves the task rows, if they are still ours and stand at the epoch before, and the offsets
/// with them (rules 1 and 2).
enum EpochFence {
    struct Result {
        /// How many task rows moved: all, or the epoch must not be committed.
        var moved: Int
        /// The number that orders this epoch's segments among those of other epochs (rule 23).
        var seq: Int64
    }

    static func advance(_ tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) -> Result {
        let rows = try connection.query(
            """
            with wanted as (
                select * from unnest($1, $2, $3, $4, $5, $6)
                    as wanted (stage, partition, owner_epoch, epoch, stream_time, counters)
            ), locked as materialized (
                select task.stage, task.partition from egiz.task
                join wanted on task.stage = wanted.stage and task.partition = wanted.partition
                order by task.stage, task.partition for update of task
            ), moved as (
                update egiz.task
                set epoch = wanted.epoch, stream_time = coalesce(wanted.stream_time, task.stream_time),
                    counters = wanted.counters::jsonb, last_commit_at = clock_timestamp()
                from wanted join locked using (stage, partition)
                where task.stage = wanted.stage and task.partition = wanted.partition and \(condition)
                returning 1
            )
            select (select count(*) from moved), nextval('egiz.history_seq')
            """,
            [
                .textArray(tasks.map(\.task.stage.text)), .int64Array(tasks.map { Int64($0.task.partition) }),
                .int64Array(tasks.map(\.ownerEpoch)), .int64Array(tasks.map(\.epoch)),
                .timestampArray(tasks.map { $0.streamTime?.microseconds }),
                .textArray(tasks.map { counters($0.counters) }),
            ])
        let result = Result(moved: Int(rows.first?.int64(0) ?? 0), seq: rows.first?.int64(1) ?? 0)
        if result.moved == tasks.count { try writeOffsets(tasks, connection) }
        return result
    }

    /// What must hold of a task row for the epoch to be committed.
    private static var condition: String {
        #if EGIZ_SABOTAGE
        if Sabotage.current == .noFence { return "true" }
        #endif
        return "task.owner_epoch = wanted.owner_epoch and task.epoch = wanted.epoch - 1"
    }

    private static func writeOffsets(_ tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) {
        var stages: [String?] = []
        var partitions: [Int64?] = []
        var topics: [String?] = []
        var next: [Int64?] = []
        var marks: [Int64?] = []
        var times: [Int64?] = []
        var crcs: [Int64?] = []
        for task in tasks {
            for offset in task.offsets {
                stages.append(task.task.stage.text)
                partitions.append(Int64(task.task.partition))
                topics.append(offset.topic)
                next.append(offset.next.raw)
                marks.append(offset.mark?.offset)
                times.append(offset.mark?.timestamp.microseconds)
                crcs.append(offset.mark.map { Int64($0.crc) })
            }
        }
        guard !stages.isEmpty else { return }
        _ = try connection.query(
            """
            insert into egiz.task_offset (stage, partition, topic, next_offset, mark_offset, mark_time, mark_crc)
            select * from unnest($1, $2, $3, $4, $5, $6, $7)
            on conflict (stage, partition, topic) do update
            set next_offset = excluded.next_offset, mark_offset = excluded.mark_offset, mark_time = excluded.mark_time,
                mark_crc = excluded.mark_crc, updated_at = clock_timestamp()
            """,
            [
                .textArray(stages), .int64Array(partitions), .textArray(topics), .int64Array(next), .int64Array(marks),
                .timestampArray(times), .int64Array(crcs),
            ])
    }

    /// Why the fence did not hold: an epoch is one transaction, so a single task of ours that stands at this epoch proves that an
    /// earlier attempt landed; otherwise the tasks that are no longer ours.
    static func outcome(of tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) -> CommitOutcome
    {
        let rows = try connection.query(
            """
            select wanted.place, coalesce(task.owner_epoch, -1), coalesce(task.epoch, -1)
            from unnest($1, $2) with ordinality as wanted (stage, partition, place)
            left join egiz.task on task.stage = wanted.stage and task.partition = wanted.partition
            """,
            [.textArray(tasks.map(\.task.stage.text)), .int64Array(tasks.map { Int64($0.task.partition) })])
        var lost: [TaskID] = []
        for row in rows {
            guard let place = row.int64(0), tasks.indices.contains(Int(place) - 1) else { continue }
            let task = tasks[Int(place) - 1]
            let isMine = row.int64(1) == task.ownerEpoch
            if isMine, row.int64(2) == task.epoch { return .committed }
            if !isMine || row.int64(2) != task.epoch - 1 { lost.append(task.task) }
        }
        return .fenced(lost.sorted())
    }

    /// All of these tasks are still ours, as far as can be told without locking them.
    static func isHeld(by tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) -> Bool {
        let rows = try connection.query(
            """
            select count(*) from egiz.task
            join unnest($1, $2, $3) as mine (stage, partition, owner_epoch)
                on task.stage = mine.stage and task.partition = mine.partition and task.owner_epoch = mine.owner_epoch
            """,
            [
                .textArray(tasks.map(\.task.stage.text)), .int64Array(tasks.map { Int64($0.task.partition) }),
                .int64Array(tasks.map(\.ownerEpoch)),
            ])
        return rows.first?.int64(0) == Int64(tasks.count)
    }

    static func counters(_ counters: StepCounters) -> String {
        "{" + counters.named.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
    }
}
