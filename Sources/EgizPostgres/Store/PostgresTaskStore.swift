public import EgizCore
public import EgizRuntime
import EgizTwin

/// Ownership of tasks, their positions, and the rows of twins. Confined to the stream thread.
public final class PostgresTaskStore: TaskStore {
    let session: StoreSession
    let worker: WorkerIdentity

    /// Does not connect yet.
    public init(url: String, worker: WorkerIdentity) {
        self.worker = worker
        var settings = PostgresSettings()
        // A stopped server must not hold the stream thread, which has to leave its group in time when it is shut down.
        settings.answerTimeout = .seconds(5)
        session = StoreSession(
            url: url, applicationName: "egiz-stream-\(worker.id.prefix(8))", settings: settings)
    }

    public func close() { session.close() }

    @discardableResult
    public func release(_ leases: [TaskLease]) throws(EngineError) -> [TaskID] {
        guard !leases.isEmpty else { return [] }
        let (connection, _) = try session.connection()
        let released = try connection.query(
            """
            with mine as (
                select * from unnest($1, $2, $3) as mine (stage, partition, owner_epoch)
            ), locked as materialized (
                select task.stage, task.partition from egiz.task
                join mine on task.stage = mine.stage and task.partition = mine.partition
                order by task.stage, task.partition for update of task
            )
            update egiz.task
            set worker_id = null, worker_host = null, worker_pid = null, backend_pid = null, backend_start = null,
                transactional_id = null, released_at = clock_timestamp()
            from mine join locked using (stage, partition)
            where task.stage = mine.stage and task.partition = mine.partition and task.owner_epoch = mine.owner_epoch
            returning task.stage, task.partition
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64Array(leases.map(\.ownerEpoch)),
            ])
        let ours = Set(released.map { "\($0.text(0) ?? "")/\($0.int64(1) ?? -1)" })
        return leases.map(\.task).filter { !ours.contains("\($0.stage.text)/\($0.partition)") }
    }

    public func reposition(_ moves: [TaskMove]) throws(EngineError) {
        guard !moves.isEmpty else { return }
        let (connection, _) = try session.connection()
        // In the order of the rows' keys, as every transaction that locks several of them (rule 1).
        let sorted = moves.sorted { $0.lease.task < $1.lease.task }
        try connection.transaction { connection throws(EngineError) in
            for move in sorted { try reposition(move, connection) }
        }
    }

    private func reposition(_ move: TaskMove, _ connection: PostgresConnection) throws(EngineError) {
        let (lease, log, gaps) = (move.lease, move.log, move.gaps)
        let isOtherLog = lease.log.map { !$0.isSameLog(as: log) } ?? false
        let key: [PostgresValue] = [.text(lease.task.stage.text), .int64(Int64(lease.task.partition))]
        let moved = try connection.query(
            """
            update egiz.task
            set log_cluster_id = $3, log_embedded = $4, incarnation = $5::int
            where stage = $1 and partition = $2 and owner_epoch = $6
            """,
            key + [
                // Not counted up here: the answer to the commit may be lost and the move done again.
                .text(log.clusterID), .optional(log.embeddedLog), .int64(Int64(move.incarnation)),
                .int64(lease.ownerEpoch),
            ])
        guard moved.affected == 1 else {
            throw EngineError(
                .ownership, .backoff, "another worker took over task \(lease.task) before its positions were set")
        }
        try store(move.positions, forgettingMarksOf: Set(gaps.map(\.topic)), all: isOtherLog, key, connection)
        try note(gaps, log, lease.task, connection)
    }

    private func store(
        _ positions: [String: NextOffset], forgettingMarksOf topics: Set<String>, all: Bool, _ key: [PostgresValue],
        _ connection: PostgresConnection
    ) throws(EngineError) {
        let sorted = positions.sorted { $0.key < $1.key }
        if all {
            // Offsets of another log mean nothing here, nor do those of topics that are read no longer.
            _ = try connection.query(
                "delete from egiz.task_offset where stage = $1 and partition = $2", key)
        }
        _ = try connection.query(
            """
            insert into egiz.task_offset (stage, partition, topic, next_offset)
            select $1, $2, topic, next_offset from unnest($3, $4) as new (topic, next_offset)
            on conflict (stage, partition, topic) do update
            set next_offset = excluded.next_offset, updated_at = clock_timestamp()
            """,
            key + [.textArray(sorted.map(\.key)), .int64Array(sorted.map(\.value.raw))])
        _ = try connection.query(
            """
            update egiz.task_offset set mark_offset = null, mark_time = null, mark_crc = null
            where stage = $1 and partition = $2 and topic = any ($3)
            """, key + [.textArray(topics.sorted())])
    }

    private func note(_ gaps: [LogGap], _ log: LogIdentity, _ task: TaskID, _ connection: PostgresConnection)
        throws(EngineError)
    {
        for gap in gaps {
            _ = try connection.query(
                """
                insert into egiz.log_gap (
                    stage, partition, topic, from_offset, to_offset, reason, log_cluster_id, log_embedded)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                [
                    .text(task.stage.text), .int64(Int64(gap.partition)), .text(gap.topic), .int64(gap.from.raw),
                    .int64(gap.to.raw), .text(gap.reason.rawValue), .text(log.clusterID), .optional(log.embeddedLog),
                ])
        }
    }
}
