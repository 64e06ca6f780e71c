import EgizCore
import EgizRuntime

/// Reads deployments and workers from their tables.
enum DeploymentRows {
    static func snapshot(_ connection: PostgresConnection) throws(EngineError) -> DeploymentSnapshot {
        let deployments = try connection.query(
            """
            select topology, wanted_version, running_version, state, restarts, changed_at
            from egiz.deployment order by topology
            """
        ).map { row in
            Deployment(
                name: row.text(0) ?? "", wantedVersion: row.int64(1) ?? 0, runningVersion: row.int64(2),
                state: row.text(3).flatMap(Deployment.State.init) ?? .paused, restarts: row.int64(4) ?? 0,
                changedAt: row.timestamp(5) ?? 0)
        }
        let workers = try workers(connection)
        let files = try connection.query(
            "select host, path, message from egiz.topology_file order by host, path"
        ).map { RefusedFile(host: $0.text(0) ?? "", path: $0.text(1) ?? "", message: $0.text(2) ?? "") }
        // A host where no worker lives any more watches nothing.
        let hosts = Set(workers.filter(\.isLive).map(\.identity.host))
        return DeploymentSnapshot(
            deployments: deployments, workers: workers, refusedFiles: files.filter { hosts.contains($0.host) })
    }

    private static func workers(_ connection: PostgresConnection) throws(EngineError) -> [LiveWorker] {
        var workers: [LiveWorker] = []
        let rows = try connection.query(
            """
            select worker_id, host, pid, scope, (extract(epoch from clock_timestamp() - seen_at) * 1000)::bigint
            from egiz.worker order by host, pid, worker_id
            """)
        for row in rows {
            workers.append(
                LiveWorker(
                    identity: WorkerIdentity(
                        id: row.text(0) ?? "", host: row.text(1) ?? "", processID: Int32(clamping: row.int64(2) ?? 0)),
                    scope: row.textArray(3).map { Set($0.compactMap(\.self)) },
                    silence: .milliseconds(max(0, row.int64(4) ?? 0))))
        }
        let reports = try connection.query(
            """
            select worker_id, topology, prepared_version, running_version, refused_version, state, error
            from egiz.topology_worker
            """)
        for row in reports {
            guard let index = workers.firstIndex(where: { $0.identity.id == row.text(0) }), let name = row.text(1)
            else { continue }
            workers[index].reports[name] = TopologyReport(
                topology: name, preparedVersion: row.int64(2), runningVersion: row.int64(3),
                refusedVersion: row.int64(4), state: row.text(5).flatMap(TopologyReport.State.init) ?? .preparing,
                error: row.text(6))
        }
        return workers
    }
}
