public import EgizCore
public import EgizRuntime
public import EgizTwin

/// Ownership of tasks, their positions, and the rows of twins. Confined to the stream thread.
public final class PostgresTaskStore: TaskStore {
    let session: StoreSession
    let worker: WorkerIdentity

    /// Does not connect yet.
    public init(url: String, worker: WorkerIdentity) {
        self.worker = worker
        session = StoreSession(url: url, applicationName: "egiz-stream-\(worker.id.prefix(8))")
    }

    public func close() { session.close() }

    public func release(_ leases: [TaskLease]) throws(EngineError) {
        guard !leases.isEmpty else { return }
        let (connection, _) = try session.connection()
        _ = try connection.query(
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
                released_at = clock_timestamp()
            from mine join locked using (stage, partition)
            where task.stage = mine.stage and task.partition = mine.partition and task.owner_epoch = mine.owner_epoch
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64Array(leases.map(\.ownerEpoch)),
            ])
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
            set log_cluster_id = $3, log_embedded = $4, incarnation = incarnation + $5::int
            where stage = $1 and partition = $2 and owner_epoch = $6
            """,
            key + [
                .text(log.clusterID), .optional(log.embeddedLog), .int64(move.beginsAnew ? 1 : 0),
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

    public func restore(_ things: [ThingID], of stage: StageName, states processors: [String]) throws(EngineError)
        -> RestoredThings
    {
        RestoredThings(twins: try twins(things), states: [])
    }

    public func timers(of task: TaskID, after: TaskTimer?, limit: Int) throws(EngineError) -> [TaskTimer] { [] }
    public func outboxes(of task: TaskID) throws(EngineError) -> [Outbox] { [] }
    public func delete(_ acknowledged: [Outbox.Acknowledgement], of leases: [TaskLease]) throws(EngineError) {}
    public func refuse(_ refused: [Int: EngineError], of outbox: Outbox, lease: TaskLease) throws(EngineError) {}
    public func lost(of leases: [TaskLease]) throws(EngineError) -> [TaskID] { [] }
    public func redrives(of leases: [TaskLease], limit: Int) throws(EngineError) -> [RedriveBatch] { [] }
    public func parked(of tasks: [TaskID]) throws(EngineError) -> [TaskID: [ThingID: Int]] { [:] }

    private func twins(_ things: [ThingID]) throws(EngineError) -> [TwinRow] {
        guard !things.isEmpty else { return [] }
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select twin.thing_id, stage.topology, stage.source, twin.partition, twin.revision, twin.event_timestamp,
                twin.definition, twin.created, twin.modified, twin.input_topic, twin.input_partition, twin.input_offset,
                twin.document
            from egiz.twin join egiz.stage on stage.stage = twin.stage
            where twin.thing_id = any ($1)
            """, [.textArray(things.map(\.text))])
        var result: [TwinRow] = []
        result.reserveCapacity(rows.count)
        for row in rows { result.append(try twin(row)) }
        return result
    }

    private func twin(_ row: PostgresRow) throws(EngineError) -> TwinRow {
        guard let text = row.text(0), let thing = try? ThingID(validating: text), let topology = row.text(1),
            let source = row.text(2), let partition = row.int64(3), let revision = row.int64(4),
            let topic = row.text(9),
            let inputPartition = row.int64(10), let inputOffset = row.int64(11)
        else {
            throw EngineError(
                .state, .stop,
                "table egiz.twin has a row that is not of this version's making (thing \(row.text(0) ?? "?")); correct or delete it"
            )
        }
        return TwinRow(
            snapshot: TwinSnapshot(
                thing: thing, revision: revision, timestamp: row.text(5), document: row.bytes(12),
                definition: row.text(6),
                created: row.timestamp(7).map(EventTime.init(microseconds:)),
                modified: row.timestamp(8).map(EventTime.init(microseconds:))),
            home: TaskID(
                stage: StageName(topology: topology, source: source), partition: Int32(clamping: partition)),
            position: InputPosition(topic: topic, partition: Int32(clamping: inputPartition), offset: inputOffset))
    }
}
