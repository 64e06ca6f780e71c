public import EgizCore

extension StateArchive {
    /// Reads the file into this database, in one transaction: all or nothing. No worker may run the topology; it goes on at the
    /// offsets of the file, and what is not their log any more is a gap that stops it (contract 8).
    ///
    /// `replace` deletes what the topology has here before; without it, anything there is refused. `dryRun` does all of it and
    /// takes it back.
    /// Errors: `.topology`/`.stop` for another shape (with what differs), a running worker, or existing rows; `.state`/`.stop`
    /// for a damaged file; `.postgres` as always.
    public func restore(
        _ shape: StateShape, from path: String, replace: Bool, dryRun: Bool = false,
        progress: (Progress) -> Void = { _ in }
    ) throws(EngineError) -> Report {
        let reader = try ArchiveReader(path: path)
        let header = reader.header
        try connection.execute("begin; set local lock_timeout = '5s'")
        do throws(EngineError) {
            let report = try restore(shape, reader, replace, path, progress)
            if dryRun { connection.rollback() } else { try connection.commit() }
            return Report(time: header.time, rows: report, bytes: 0)
        } catch {
            connection.rollback()
            throw error
        }
    }

    private func restore(
        _ shape: StateShape, _ reader: ArchiveReader, _ replace: Bool, _ path: String, _ progress: (Progress) -> Void
    ) throws(EngineError) -> [Report.Count] {
        let differences = try completed(shape, versions: false).differences(from: reader.header.shape)
        guard differences.isEmpty else {
            throw EngineError(
                .topology, .stop, "\(path) has the state of another topology: \(differences.joined(separator: "; "))")
        }
        try prepare(reader.header.shape)
        try empty(shape, replace)
        var rows: [Report.Count] = []
        for (table, total) in zip(reader.header.tables, reader.header.rows) {
            let count = try copy(table, reader, total: total, path, progress)
            if table.name == "task" { try takeTasks(shape) }
            guard count == total else {
                throw EngineError(
                    .state, .stop, "\(path) is damaged: it says \(total) rows of \(table.name) and has \(count)")
            }
            rows.append(.init(table: table.name, rows: count))
        }
        try reader.finish()
        return rows
    }

    /// The stages, locked, without a running owner.
    private func prepare(_ shape: StateShape) throws(EngineError) {
        for stage in shape.stages where stage.partitions > 0 {
            _ = try connection.query(
                "insert into egiz.stage (stage, topology, source, partitions) values ($1, $2, $3, $4) on conflict do nothing",
                [
                    .text(stage.name.text), .text(stage.name.topology), .text(stage.name.source),
                    .int64(Int64(stage.partitions)),
                ])
        }
        for stage in shape.stages.sorted(by: { $0.name < $1.name }) {
            _ = try connection.query("select from egiz.stage where stage = $1 for update", [.text(stage.name.text)])
            try StageOwners.refuseRunning(stage.name, connection)
        }
        try connection.execute(
            "create temp table egiz_import_task (like egiz.task including defaults) on commit drop")
    }

    private func empty(_ shape: StateShape, _ replace: Bool) throws(EngineError) {
        let stages: [PostgresValue] = [.textArray(shape.stages.map(\.name.text))]
        for table in ArchiveTable.emptied {
            guard replace else {
                let found = try connection.query(
                    "select 1 from egiz.\(table.name) where stage = any ($1) and \(table.condition) limit 1", stages)
                guard found.isEmpty else {
                    throw EngineError(
                        .topology, .stop,
                        "topology \(shape.topology) has rows in egiz.\(table.name) already; --replace deletes all of its state before"
                    )
                }
                continue
            }
            _ = try connection.query(
                "delete from egiz.\(table.name) where stage = any ($1) and \(table.condition)", stages)
        }
    }

    /// The fence rises above both, so that no old owner can come back; tasks that the file lacks begin anew.
    private func takeTasks(_ shape: StateShape) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.task
            set owner_epoch = owner_epoch + 1, worker_id = null, worker_host = null, worker_pid = null, backend_pid = null,
                backend_start = null, transactional_id = null, stream_time = null, counters = '{}', log_cluster_id = null,
                log_embedded = null, registry_version = null, rules_fingerprint = null, reviewed_through = null
            where stage = any ($1)
            """, [.textArray(shape.stages.map(\.name.text))])
        try connection.execute(
            """
            insert into egiz.task (stage, partition, owner_epoch, epoch, incarnation, stream_time, counters, topology_version,
                log_cluster_id, log_embedded)
            select stage, partition, 1, epoch, incarnation, stream_time, counters, topology_version, log_cluster_id, log_embedded
            from egiz_import_task
            on conflict (stage, partition) do update
            set epoch = excluded.epoch, incarnation = excluded.incarnation, stream_time = excluded.stream_time,
                counters = excluded.counters,
                topology_version = greatest(task.topology_version, excluded.topology_version),
                log_cluster_id = excluded.log_cluster_id, log_embedded = excluded.log_embedded
            """)
    }

    private func copy(
        _ table: ArchiveTable, _ reader: ArchiveReader, total: Int, _ path: String, _ progress: (Progress) -> Void
    ) throws(EngineError) -> Int {
        let stages = Set(reader.header.shape.stages.map { Array($0.name.text.utf8) })
        do throws(EngineError) {
            return try connection.copyIn(
                "copy \(table.target ?? "egiz.\(table.name)") (\(table.columnList)) from stdin (format binary)"
            ) { copy throws(EngineError) in
                while let row = try reader.next(of: table) {
                    guard let stage = row[0], stages.contains(stage) else {
                        throw EngineError(
                            .state, .stop, "\(path) is damaged: a row of \(table.name) is of no stage of the topology")
                    }
                    if table.name == "state" { try check(row) }
                    try copy.row(columns: Int16(row.count))
                    for value in row { if let value { copy.bytes(value) } else { copy.null() } }
                    if copy.rows % 1000 == 0 || copy.rows == total {
                        progress(Progress(table: table.name, rows: copy.rows, total: total))
                    }
                }
            }
        } catch {
            guard error.detail == "23505" else { throw error }
            throw EngineError(
                .topology, .stop,
                "a row of egiz.\(table.name) in \(path) belongs to another topology here already: \(error.message)",
                detail: error.detail)
        }
    }

    private func check(_ row: [[UInt8]?]) throws(EngineError) {
        func text(_ column: Int) -> String { String(decoding: row[column] ?? [], as: UTF8.self) }
        _ = try StateFrame.decode(row[4] ?? [], stage: text(0), processor: text(1), thing: text(2))
    }
}
