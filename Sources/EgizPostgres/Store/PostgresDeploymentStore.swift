public import EgizCore
public import EgizRuntime
import EgizTwin

/// Deployments in the tables `deployment`, `topology`, `worker`, `topology_worker` and `topology_file`.
///
/// Time is the server's: who lives does not depend on the clocks of the workers.
public final class PostgresDeploymentStore: DeploymentStore {
    private let session: StoreSession
    /// Who changes deployments through this store, for the audit log; nil: the caller writes that down.
    private let actor: String?
    /// Set while a transaction of `exclusively` is open.
    private var transaction: PostgresConnection?

    /// "egizdepl" in ASCII: the key of the advisory lock of everything that changes deployments.
    private static var lockKey: Int64 { 0x6567_697A_6465_706C }

    /// Does not connect yet.
    ///
    /// - Parameter actor: an operator whose changes go to the audit log with what they change; nil: none do.
    public init(url: String, actor: String? = nil) {
        session = StoreSession(url: url, applicationName: "egiz-deploy")
        self.actor = actor
    }

    /// Inside a transaction of the caller, who commits; no other changes deployments until then.
    public init(within connection: PostgresConnection) throws(EngineError) {
        session = StoreSession(url: "", applicationName: "egiz-deploy")
        transaction = connection
        actor = nil
        _ = try connection.query("select pg_advisory_xact_lock($1)", [.int64(Self.lockKey)])
    }

    /// Inside a transaction of the caller that only reads: nobody waits for it, and it waits for nobody.
    public init(reading connection: PostgresConnection) {
        session = StoreSession(url: "", applicationName: "egiz-deploy")
        transaction = connection
        actor = nil
    }

    private func note(_ action: String, _ topology: String, _ after: [(String, JSONValue)]) throws(EngineError) {
        guard let actor else { return }
        try AuditWriter.append(
            try connection(),
            AuditEntry(actor: actor, action: "topology.\(action)", object: "topology:\(topology)", after: after))
    }

    public func close() { session.close() }

    func connection() throws(EngineError) -> PostgresConnection {
        if let transaction { return transaction }
        return try session.connection().connection
    }

    public func exclusively(_ body: () throws(EngineError) -> Void) throws(EngineError) {
        if transaction != nil { return try body() }
        let connection = try session.connection().connection
        try connection.transaction { connection throws(EngineError) in
            transaction = connection
            defer { transaction = nil }
            _ = try connection.query("select pg_advisory_xact_lock($1)", [.int64(Self.lockKey)])
            try body()
        }
    }

    // MARK: What shall run

    public func text(of topology: String, version: Int64) throws(EngineError) -> String? {
        try connection().query(
            "select text from egiz.topology where name = $1 and version = $2", [.text(topology), .int64(version)]
        ).first?.text(0)
    }

    public func versions(of topology: String) throws(EngineError) -> [TopologyVersion] {
        try connection().query(
            "select version, text, applied_at, origin from egiz.topology where name = $1 order by version",
            [.text(topology)]
        ).map { row in
            TopologyVersion(
                version: row.int64(0) ?? 0, text: row.text(1) ?? "", appliedAt: row.timestamp(2) ?? 0,
                origin: row.text(3))
        }
    }

    /// Versions below `before`, the newest first, up to one more than `limit`; without their texts.
    public func versions(of topology: String, before: Int64?, limit: Int) throws(EngineError) -> [TopologyVersion] {
        try connection().query(
            """
            select version, applied_at, origin from egiz.topology where name = $1 and version < $2
            order by version desc limit $3
            """, [.text(topology), .int64(before ?? .max), .int64(Int64(limit) + 1)]
        ).map { row in
            TopologyVersion(
                version: row.int64(0) ?? 0, text: "", appliedAt: row.timestamp(1) ?? 0, origin: row.text(2))
        }
    }

    /// One version; of nil the newest.
    public func version(_ version: Int64?, of topology: String) throws(EngineError) -> TopologyVersion? {
        try connection().query(
            """
            select version, text, applied_at, origin from egiz.topology
            where name = $1 and ($2::bigint is null or version = $2::bigint) order by version desc limit 1
            """, [.text(topology), .optional(version)]
        ).first.map { row in
            TopologyVersion(
                version: row.int64(0) ?? 0, text: row.text(1) ?? "", appliedAt: row.timestamp(2) ?? 0,
                origin: row.text(3))
        }
    }

    public func stages(of topology: String) throws(EngineError) -> [StoredStage] {
        let connection = try connection()
        var stages = try connection.query(
            """
            select source, partitions, exists (select from egiz.task where task.stage = stage.stage and task.epoch > 0)
            from egiz.stage where topology = $1 order by stage
            """, [.text(topology)]
        ).map { row in
            StoredStage(
                name: StageName(topology: topology, source: row.text(0) ?? ""),
                partitions: Int32(clamping: row.int64(1) ?? 0), hasState: row.bool(2) ?? false)
        }
        for index in stages.indices {
            let rows = try connection.query(
                "select topic, partition, next_offset from egiz.task_offset where stage = $1",
                [.text(stages[index].name.text)])
            for row in rows {
                guard let topic = row.text(0), let partition = row.int64(1), let next = row.int64(2) else { continue }
                stages[index].positions[TopicPartition(topic, Int32(clamping: partition))] = NextOffset(stored: next)
            }
        }
        return stages
    }

    public func save(_ topology: String, text: String, origin: String) throws(EngineError) -> Int64 {
        var version: Int64 = 0
        try exclusively { () throws(EngineError) in
            let connection = try self.connection()
            version = try PostgresTopologyStore(connection).saveInTransaction(
                name: topology, text: text, origin: origin)
            _ = try connection.query(
                """
                insert into egiz.deployment (topology, wanted_version) values ($1, $2)
                on conflict (topology) do update
                set wanted_version = excluded.wanted_version, changed_at = clock_timestamp(),
                    running_version = case
                        when deployment.state = 'deleted' and deployment.running_version <> excluded.wanted_version then null
                        else deployment.running_version end,
                    state = case deployment.state when 'deleted' then 'running' else deployment.state end
                """, [.text(topology), .int64(version)])
            try note(
                origin.hasPrefix("rollback") ? "rollback" : "apply", topology,
                [("version", .int(version)), ("origin", .string(origin))])
        }
        return version
    }

    public func setState(_ state: Deployment.State, of topology: String) throws(EngineError) {
        try exclusively { () throws(EngineError) in
            let connection = try self.connection()
            _ = try connection.query(
                """
                update egiz.deployment
                set state = $2, changed_at = clock_timestamp(), restarts = restarts + $3::bigint
                where topology = $1
                """, [.text(topology), .text(state.rawValue), .int64(state == .running ? 1 : 0)])
            // The column says what is deployed to versions of egiz that know no deployments.
            _ = try connection.query(
                """
                update egiz.topology set active = $2 and version = deployment.wanted_version
                from egiz.deployment where name = $1 and deployment.topology = name
                """, [.text(topology), .bool(state != .deleted)])
            // Of tasks without an owner; workers that run it do so for theirs when it has drained.
            if state == .deleted { _ = try StageEnd.end(topology, except: [], by: nil, connection) }
            let action = state == .paused ? "pause" : state == .running ? "resume" : "delete"
            try note(action, topology, [("state", .string(state.rawValue))])
        }
    }

    public func switchTo(_ version: Int64, of topology: String) throws(EngineError) {
        _ = try connection().query(
            "update egiz.deployment set running_version = $2, changed_at = clock_timestamp() where topology = $1",
            [.text(topology), .int64(version)])
    }

    /// Not exclusively: it waits for nobody, and nobody's deployments wait for it.
    public func endStages(of topology: String, except present: [StageName], by worker: WorkerIdentity?)
        throws(EngineError) -> Bool
    {
        // The usual case, at every start of a version: nothing is gone.
        let gone = try connection().query(
            "select from egiz.stage where topology = $1 and stage <> all ($2) limit 1",
            [.text(topology), .textArray(present.map(\.text))])
        guard !gone.isEmpty else { return true }
        if let transaction { return try StageEnd.end(topology, except: present, by: worker, transaction) }
        return try session.connection().connection.transaction { connection throws(EngineError) in
            try StageEnd.end(topology, except: present, by: worker, connection)
        }
    }

    public func purge(_ topology: String) throws(EngineError) {
        try exclusively { () throws(EngineError) in
            let connection = try self.connection()
            // Every table with a column `stage` holds something of a stage; tasks and stages go last, others refer to them.
            let tables = try connection.query(
                """
                select class.relname::text
                from pg_class class
                join pg_namespace namespace on namespace.oid = class.relnamespace and namespace.nspname = 'egiz'
                join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attname = 'stage'
                where class.relkind in ('r', 'p') and not class.relispartition and not attribute.attisdropped
                order by array_position(array['task_offset', 'task', 'stage'], class.relname::text) nulls first, 1
                """
            ).compactMap { $0.text(0) }
            // Owners that are still there are fenced before anything goes.
            _ = try connection.query(
                """
                update egiz.task set owner_epoch = owner_epoch + 1
                where stage in (select stage from egiz.stage where topology = $1)
                """, [.text(topology)])
            for table in tables {
                _ = try connection.query(
                    """
                    delete from egiz."\(table)" where stage in (select stage from egiz.stage where topology = $1)
                    """, [.text(topology)])
            }
            try note("purge", topology, [])
        }
    }
}
