public import EgizCore
public import EgizRuntime
import EgizTwin

extension PostgresTaskStore {
    /// How often a takeover ends the previous owner's backend and waits for its row locks again.
    private static var attempts: Int { 4 }

    public func acquire(_ tasks: [TaskID], partitions: Int32, topologyVersion: Int64) throws(EngineError)
        -> [TaskLease]
    {
        guard let stage = tasks.first?.stage else { return [] }
        precondition(tasks.allSatisfy { $0.stage == stage }, "the tasks of one call are of one stage")
        let (connection, _) = try session.connection()
        try register(stage, partitions, connection)
        let numbers = tasks.map { Int64($0.partition) }
        try checkVersion(stage, numbers, topologyVersion, connection)
        var left = Self.attempts
        while true {
            left -= 1
            do throws(EngineError) {
                return try takeOver(stage, numbers, topologyVersion, connection)
            } catch {
                // 55P03: somebody holds the row of a task for longer than the lock timeout.
                guard error.detail == "55P03" else { throw error }
                guard left > 0 else { throw held(stage, numbers, error, connection) }
                try terminateOwners(stage, numbers, connection)
            }
        }
    }

    /// The stage's row with its partition count, which never changes without a repartition (rule 13).
    private func register(_ stage: StageName, _ partitions: Int32, _ connection: PostgresConnection) throws(EngineError)
    {
        guard partitions > 0 else {
            throw EngineError(.kafka, .backoff, "the partition count of stage \(stage) is not known yet")
        }
        _ = try connection.query(
            "insert into egiz.stage (stage, topology, source, partitions) values ($1, $2, $3, $4) on conflict do nothing",
            [.text(stage.text), .text(stage.topology), .text(stage.source), .int64(Int64(partitions))])
        let rows = try connection.query("select partitions from egiz.stage where stage = $1", [.text(stage.text)])
        guard let stored = rows.first?.int64(0), stored != Int64(partitions) else { return }
        throw EngineError(
            .topology, .stop,
            "stage \(stage) was set up with \(stored) partitions, its topics now have \(partitions): things would change their place. Give the topics \(stored) partitions again, or see `egiz topology repartition --help`"
        )
    }

    private func checkVersion(
        _ stage: StageName, _ partitions: [Int64], _ version: Int64, _ connection: PostgresConnection
    ) throws(EngineError) {
        let rows = try connection.query(
            "select max(topology_version) from egiz.task where stage = $1 and partition = any ($2)",
            [.text(stage.text), .int64Array(partitions)])
        guard let stored = rows.first?.int64(0), stored > version else { return }
        throw EngineError(
            .topology, .stop,
            "stage \(stage) runs version \(stored) of its topology already, this worker has version \(version): restart it with the present files"
        )
    }

    private func takeOver(
        _ stage: StageName, _ partitions: [Int64], _ version: Int64, _ connection: PostgresConnection
    ) throws(EngineError) -> [TaskLease] {
        try connection.transaction { connection throws(EngineError) in
            try connection.execute("set local lock_timeout = '1s'")
            _ = try connection.query(
                """
                insert into egiz.task (stage, partition) select $1, partition from unnest($2) as new (partition) order by partition
                on conflict do nothing
                """, [.text(stage.text), .int64Array(partitions)])
            let rows = try connection.query(
                """
                with before as materialized (
                    select * from egiz.task where stage = $1 and partition = any ($2) order by partition for update
                )
                update egiz.task
                set owner_epoch = task.owner_epoch + 1, worker_id = $3, worker_host = $4, worker_pid = $5,
                    backend_pid = null, backend_start = null, acquired_at = clock_timestamp(), released_at = null,
                    topology_version = $6
                from before where task.stage = before.stage and task.partition = before.partition
                returning task.partition, task.owner_epoch, task.epoch, task.stream_time, task.counters::text,
                    task.log_cluster_id, task.log_embedded, before.worker_id, before.worker_host, before.worker_pid,
                    before.transactional_id, task.incarnation,
                    exists (select from egiz.outbox
                        where outbox.stage = task.stage and outbox.partition = task.partition),
                    task.registry_version, task.rules_fingerprint, task.reviewed_through
                """,
                [
                    .text(stage.text), .int64Array(partitions), .text(worker.id), .text(worker.host),
                    .int64(Int64(worker.processID)), .int64(version),
                ])
            let positions = try positions(stage, partitions, connection)
            let parked = try ParkedLetters.count(
                of: partitions.map { TaskID(stage: stage, partition: Int32(clamping: $0)) }, connection)
            return rows.map { row in
                var lease = lease(row, stage, positions)
                lease.parked = parked[lease.task] ?? [:]
                return lease
            }.sorted { $0.task < $1.task }
        }
    }

    public func name(_ transactionalID: String?, of leases: [TaskLease]) throws(EngineError) {
        guard !leases.isEmpty else { return }
        let (connection, _) = try session.connection()
        let named = try connection.query(
            """
            with mine as (
                select * from unnest($1, $2, $3) as mine (stage, partition, owner_epoch)
            ), locked as materialized (
                select task.stage, task.partition from egiz.task join mine using (stage, partition, owner_epoch)
                order by task.stage, task.partition for update of task
            )
            update egiz.task set transactional_id = nullif($4, '')
            from mine join locked using (stage, partition)
            where task.stage = mine.stage and task.partition = mine.partition and task.owner_epoch = mine.owner_epoch
            returning task.partition
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64Array(leases.map(\.ownerEpoch)), .text(transactionalID ?? ""),
            ])
        guard named.count == leases.count else {
            throw EngineError(
                .ownership, .backoff, "another worker took tasks over while this one was taking them over")
        }
    }

    private func positions(_ stage: StageName, _ partitions: [Int64], _ connection: PostgresConnection)
        throws(EngineError)
        -> [Int32: [String: TaskLease.Position]]
    {
        let rows = try connection.query(
            """
            select partition, topic, next_offset, mark_offset, mark_time, mark_crc from egiz.task_offset
            where stage = $1 and partition = any ($2)
            """, [.text(stage.text), .int64Array(partitions)])
        var positions: [Int32: [String: TaskLease.Position]] = [:]
        for row in rows {
            guard let partition = row.int64(0), let topic = row.text(1), let next = row.int64(2) else { continue }
            var mark: RecordMark?
            if let offset = row.int64(3), let time = row.timestamp(4), let crc = row.int64(5) {
                mark = RecordMark(
                    offset: offset, timestamp: EventTime(microseconds: time), crc: UInt32(truncatingIfNeeded: crc))
            }
            positions[Int32(clamping: partition), default: [:]][topic] = .init(
                next: NextOffset(stored: next), mark: mark)
        }
        return positions
    }

    private func lease(
        _ row: PostgresRow, _ stage: StageName, _ positions: [Int32: [String: TaskLease.Position]]
    ) -> TaskLease {
        let partition = Int32(clamping: row.int64(0) ?? -1)
        let previous = row.text(7).map { "\($0) (\(row.text(8) ?? "?"), process \(row.int64(9) ?? 0))" }
        var lease = TaskLease(
            task: TaskID(stage: stage, partition: partition), ownerEpoch: row.int64(1) ?? 0, epoch: row.int64(2) ?? 0,
            positions: positions[partition] ?? [:], streamTime: row.timestamp(3).map(EventTime.init(microseconds:)),
            counters: StoredCounters.parse(row.text(4) ?? "{}"),
            log: row.text(5).map { LogIdentity(clusterID: $0, embeddedLog: row.text(6)) }, previousOwner: previous)
        // Who released it cleanly had published everything and closed the producer.
        if previous != nil { lease.previousTransactionalID = row.text(10) }
        lease.incarnation = Int32(clamping: row.int64(11) ?? 1)
        lease.hasPendingOutboxes = row.bool(12) ?? false
        if let fingerprint = row.int64(14) {
            lease.rules = RulesProgress(
                version: row.int64(13) ?? 0, fingerprint: fingerprint, reviewedThrough: row.text(15))
        }
        return lease
    }

    /// Ends the backends that commit for the present owners. Only where process id and start agree: a process id alone may
    /// belong to somebody else by now.
    private func terminateOwners(_ stage: StageName, _ partitions: [Int64], _ connection: PostgresConnection)
        throws(EngineError)
    {
        _ = try connection.query(
            """
            select pg_terminate_backend(backend.pid)
            from (
                select distinct activity.pid from egiz.task
                join pg_stat_activity activity
                    on activity.pid = task.backend_pid and activity.backend_start = task.backend_start
                where task.stage = $1 and task.partition = any ($2) and activity.pid <> pg_backend_pid()
            ) backend
            """, [.text(stage.text), .int64Array(partitions)])
    }

    private func held(
        _ stage: StageName, _ partitions: [Int64], _ error: EngineError, _ connection: PostgresConnection
    ) -> EngineError {
        // The transaction that holds a row is the row's xmax, and every transaction holds a lock on itself.
        let holders = try? connection.query(
            """
            select string_agg(distinct holder.pid::text, ', ') from egiz.task
            join pg_locks holder on holder.locktype = 'transactionid' and holder.transactionid = task.xmax and holder.granted
            where task.stage = $1 and task.partition = any ($2)
            """, [.text(stage.text), .int64Array(partitions)])
        let pids = holders?.first?.text(0) ?? "unknown"
        return EngineError(
            .postgres, .backoff,
            "the rows of tasks of stage \(stage) are locked by a session that is not their owner's (server process \(pids)): end it with pg_terminate_backend, or wait",
            detail: error.detail)
    }
}
