public import EgizCore
public import EgizRuntime

extension PostgresDeploymentStore {
    public func snapshot() throws(EngineError) -> DeploymentSnapshot { try DeploymentRows.snapshot(connection()) }

    public func beat(_ worker: WorkerIdentity, scope: Set<String>?, reports: [TopologyReport]) throws(EngineError) {
        let connection = try connection()
        // Statements without a transaction: each is true by itself, and the next beat mends what one left out.
        _ = try connection.query(
            """
            insert into egiz.worker (worker_id, host, pid, scope) values ($1, $2, $3, $4)
            on conflict (worker_id) do update set seen_at = clock_timestamp()
            """,
            [
                .text(worker.id), .text(worker.host), .int64(Int64(worker.processID)),
                scope.map { .textArray($0.sorted()) } ?? .null,
            ])
        let id = PostgresValue.text(worker.id)
        _ = try connection.query(
            """
            insert into egiz.topology_worker (
                worker_id, topology, prepared_version, running_version, refused_version, state, error)
            select $1, * from unnest($2, $3, $4, $5, $6, $7)
            on conflict (worker_id, topology) do update
            set prepared_version = excluded.prepared_version, running_version = excluded.running_version,
                refused_version = excluded.refused_version, state = excluded.state, error = excluded.error,
                changed_at = clock_timestamp()
            where (topology_worker.prepared_version, topology_worker.running_version, topology_worker.refused_version,
                topology_worker.state, topology_worker.error)
                is distinct from (excluded.prepared_version, excluded.running_version, excluded.refused_version,
                excluded.state, excluded.error)
            """,
            [
                id, .textArray(reports.map(\.topology)), .int64Array(reports.map(\.preparedVersion)),
                .int64Array(reports.map(\.runningVersion)), .int64Array(reports.map(\.refusedVersion)),
                .textArray(reports.map(\.state.rawValue)), .textArray(reports.map { $0.error.map(Self.withoutZero) }),
            ])
        _ = try connection.query(
            "delete from egiz.topology_worker where worker_id = $1 and topology <> all ($2)",
            [id, .textArray(reports.map(\.topology))])
        // Workers that were killed leave their rows; nobody has asked about them for a minute.
        _ = try connection.query("delete from egiz.worker where seen_at < clock_timestamp() - interval '1 minute'")
        _ = try connection.query("delete from egiz.topology_file where host not in (select host from egiz.worker)")
    }

    public func leave(_ worker: WorkerIdentity) throws(EngineError) {
        _ = try connection().query("delete from egiz.worker where worker_id = $1", [.text(worker.id)])
    }

    public func noteRefused(_ files: [RefusedFile], host: String, folder: String) throws(EngineError) {
        try exclusively { () throws(EngineError) in
            let connection = try connection()
            _ = try connection.query(
                "delete from egiz.topology_file where host = $1 and folder = $2 and path <> all ($3)",
                [.text(host), .text(folder), .textArray(files.map(\.path))])
            for file in files {
                _ = try connection.query(
                    """
                    insert into egiz.topology_file (host, path, folder, message) values ($1, $2, $3, $4)
                    on conflict (host, path) do update
                    set message = excluded.message, folder = excluded.folder, noted_at = clock_timestamp()
                    """,
                    [.text(host), .text(file.path), .text(folder), .text(Self.withoutZero(file.message))])
            }
        }
    }

    /// Postgres' `text` refuses U+0000.
    private static func withoutZero(_ text: String) -> String {
        text.unicodeScalars.contains("\0") ? String(text.unicodeScalars.map { $0 == "\0" ? "?" : Character($0) }) : text
    }
}
