import EgizCore

/// Who runs a stage, for commands that must not have anybody beside them.
enum StageOwners {
    /// Locks the rows of owned tasks; refuses while a session of an owner is alive.
    ///
    /// Errors: `.topology`/`.stop`. To be called in a transaction.
    static func refuseRunning(_ stage: StageName, _ connection: PostgresConnection) throws(EngineError) {
        let owners = try connection.query(
            """
            select task.partition, task.worker_host, task.worker_pid
            from egiz.task
            where task.stage = $1 and task.worker_id is not null and exists (
                select from pg_stat_activity activity
                where activity.application_name in (
                    'egiz-stream-' || left(task.worker_id, 8), 'egiz-commit-' || left(task.worker_id, 8)))
            order by task.partition for update of task
            """, [.text(stage.text)])
        guard let owner = owners.first else { return }
        throw EngineError(
            .topology, .stop,
            "a worker (host \(owner.text(1) ?? "?"), pid \(owner.int64(2) ?? 0)) still runs \(owners.count) tasks of stage \(stage); stop all workers of this topology first"
        )
    }
}
