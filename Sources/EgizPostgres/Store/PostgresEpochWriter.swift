public import EgizCore
public import EgizRuntime
import EgizTwin

/// Writes epochs, each in one transaction: the fence with the offsets first, then segments by COPY, twins, states, timers,
/// rollups, outboxes, and what became of dead letters.
///
/// Confined to the committing thread. What an epoch needs beforehand (series ids, partitions, the record of our backend) is
/// committed before it in transactions of its own, which are harmless when repeated.
public final class PostgresEpochWriter: EpochWriter {
    let session: StoreSession
    private var partitions = HistoryPartitions()
    private var horizons = HistoryHorizons()
    /// Tasks whose row names the backend of the present connection, with the fence it was written under.
    private var registered: [TaskID: Int64] = [:]

    /// Does not connect yet.
    public init(url: String, worker: WorkerIdentity) {
        session = StoreSession(url: url, applicationName: "egiz-commit-\(worker.id.prefix(8))")
    }

    public func commit(_ epoch: EpochWrite) throws(EngineError) -> CommitOutcome {
        let (connection, isNew) = try session.connection()
        if isNew { registered.removeAll() }
        try register(epoch.tasks, connection)
        guard try SeriesResolver.resolve(epoch.columns, of: epoch.tasks, keptFor: epoch.retention, connection) else {
            return try EpochFence.outcome(of: epoch.tasks, connection)
        }
        let horizons = epoch.retention.isLimited ? try horizons.current(connection) : [:]
        let segments = try Segments(epoch.columns, horizons: horizons)
        try partitions.ensure(segments.intervals, connection)
        do throws(EngineError) {
            return try write(epoch, segments, connection)
        } catch {
            connection.rollback()
            // The one check constraint of history is the bound of its partitions: somebody dropped one.
            guard error.detail == "23514" else { throw error }
            partitions.forget()
            throw EngineError(
                .postgres, .backoff,
                "a partition of egiz.history_segment is missing and is created again: \(error.message)",
                detail: error.detail)
        }
    }

    public func close() { session.close() }

    private func write(_ epoch: EpochWrite, _ segments: Segments, _ connection: PostgresConnection) throws(EngineError)
        -> CommitOutcome
    {
        try connection.execute("begin")
        let fence = try EpochFence.advance(epoch.tasks, connection)
        guard fence.moved == epoch.tasks.count else {
            connection.rollback()
            return try EpochFence.outcome(of: epoch.tasks, connection)
        }
        try segments.copy(seq: fence.seq, connection)
        try HistoryHorizons.count(segments.expired, connection)
        #if EGIZ_SABOTAGE
        if Sabotage.isDue(.doubleCommit) {
            let again = try connection.query("select nextval('egiz.history_seq')")
            try segments.copy(seq: again.first?.int64(0) ?? 0, connection)
        }
        #endif
        guard try TwinUpsert.write(epoch.twins, connection) else {
            connection.rollback()
            return .foreign(try TwinUpsert.foreign(epoch.twins, connection))
        }
        // Each of these asks nothing of the server where the epoch has nothing of its kind.
        try StateUpsert.write(epoch.states, connection)
        try TimerWrite.write(epoch.timers, connection)
        try RollupUpsert.write(epoch.rollups, connection)
        try SceneUpsert.write(epoch.scenes, connection)
        try AlertUpsert.write(epoch.alerts, connection)
        try RulesWrite.sweep(epoch.sweeps, connection)
        try PredictionUpsert.write(epoch.predictions, connection)
        try RulesWrite.write(epoch.tasks, consumed: epoch.consumed, connection)
        try IdleAdvances.write(epoch.tasks, connection)
        try OutboxRows.insert(epoch.outboxes, connection)
        try OutboxRows.delete(epoch.acknowledged, connection)
        try RedriveWrite.write(epoch.redriven, epoch.redrives, connection)
        try DeadLetterInsert.write(epoch.deadLetters, connection)
        try connection.commit()
        return .committed
    }

    /// Writes down, in a transaction of its own, which backend commits for these tasks: whoever takes them over must be able to
    /// end it while it still holds their rows (rule 3). Locks them in the order of their keys (rule 1).
    private func register(_ tasks: [TaskAdvance], _ connection: PostgresConnection) throws(EngineError) {
        let new = tasks.filter { registered[$0.task] != $0.ownerEpoch }
        guard !new.isEmpty else { return }
        _ = try connection.query(
            """
            with mine as (
                select * from unnest($1, $2, $3) as mine (stage, partition, owner_epoch)
            ), locked as materialized (
                select task.stage, task.partition from egiz.task
                join mine on task.stage = mine.stage and task.partition = mine.partition
                order by task.stage, task.partition for update of task
            )
            update egiz.task set backend_pid = me.pid, backend_start = me.backend_start
            from (select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()) me,
                mine join locked using (stage, partition)
            where task.stage = mine.stage and task.partition = mine.partition and task.owner_epoch = mine.owner_epoch
            """,
            [
                .textArray(new.map(\.task.stage.text)), .int64Array(new.map { Int64($0.task.partition) }),
                .int64Array(new.map(\.ownerEpoch)),
            ])
        for task in new { registered[task.task] = task.ownerEpoch }
    }
}
