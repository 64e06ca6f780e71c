import EgizCore
import EgizRuntime

/// Ends what stages left that a topology no longer has, or that is deleted itself: no task is left that could. What they remembered of
/// it is forgotten, so that a stage that comes back looks at all its things anew; twins, history and positions stay.
///
/// Only of tasks that nobody owns who lives: an owner still commits what it knows, and would go on from states whose alerts are gone.
/// Each worker ends its own when it has drained.
enum StageEnd {
    /// Inside a transaction of the caller. Waits for no task.
    ///
    /// - Parameters:
    ///   - present: the stages that the topology has.
    ///   - worker: whose threads of these stages have ended, whatever the rows of its tasks say; nil: nobody's.
    /// - Returns: Whether nothing is left to be ended: false where somebody still owns a task of these stages, or holds its row.
    static func end(
        _ topology: String, except present: [StageName], by worker: WorkerIdentity?, _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        try connection.execute("set local lock_timeout = '1s'")
        let patience = LiveWorker.patience.wholeMilliseconds
        let gone = try connection.query(
            """
            select task.stage, task.partition from egiz.task
            where \(isLeft) and (
                task.worker_id = $3 or not exists (
                    select from egiz.worker
                    where worker.worker_id = task.worker_id
                        and seen_at > clock_timestamp() - $4 * interval '1 millisecond'))
            order by task.stage, task.partition for update skip locked
            """,
            [.text(topology), .textArray(present.map(\.text)), .optional(worker?.id), .double(Double(patience))])
        if !gone.isEmpty { try end(gone.map { $0.text(0) }, gone.map { $0.int64(1) }, connection) }
        return try connection.query(
            "select 1 from egiz.task where \(isLeft) limit 1", [.text(topology), .textArray(present.map(\.text))]
        ).isEmpty
    }

    /// Tasks with something to be ended. Whoever has scenes has rules, too.
    private static let isLeft = """
        task.stage in (select stage from egiz.stage where topology = $1 and stage <> all ($2))
            and (task.rules_fingerprint is not null or exists (
                select from egiz.alert
                where alert.stage = task.stage and alert.partition = task.partition and cleared_at is null))
        """

    /// The tasks are locked.
    private static func end(_ stages: [String?], _ partitions: [Int64?], _ connection: PostgresConnection)
        throws(EngineError)
    {
        // Who is not seen any more may still be there: the fence keeps it from committing what it knows.
        _ = try connection.query(
            """
            with gone as (
                select * from unnest($1, $2) as gone (stage, partition)
            ), unset as (
                delete from egiz.scene using gone
                where scene.stage = gone.stage and scene.partition = gone.partition
                returning scene.stage, scene.thing_id, scene.processor
            ), ended as (
                update egiz.alert
                set state = 'cleared', cleared_at = greatest(alert.updated_at, task.stream_time),
                    updated_at = greatest(alert.updated_at, task.stream_time)
                from egiz.task join gone using (stage, partition)
                where task.stage = alert.stage and task.partition = alert.partition and alert.cleared_at is null
                returning alert.stage, alert.thing_id, alert.processor
            ), shown as (
                select * from unset union select * from ended
            ), forgotten as (
                delete from egiz.state using shown
                where state.stage = shown.stage and state.processor = shown.processor and state.thing_id = shown.thing_id
            ), unheard as (
                delete from egiz.inbox using gone
                where inbox.stage = gone.stage and inbox.partition = gone.partition
            )
            update egiz.task
            set registry_version = null, rules_fingerprint = null, reviewed_through = null,
                owner_epoch = owner_epoch + case when worker_id is null then 0 else 1 end
            from gone where task.stage = gone.stage and task.partition = gone.partition
            """, [.textArray(stages), .int64Array(partitions)])
    }
}
