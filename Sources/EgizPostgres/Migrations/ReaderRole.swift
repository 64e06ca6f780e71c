import EgizCore

/// A role that may read what people look at, for dashboards and reports: twins, history, rollups, scenes, alerts, and how tasks
/// and deployments stand. Not records of devices (dead letters, outboxes), not what processors remember, not the texts of
/// topologies, which may hold secrets.
///
/// Roles belong to a server, not to a database: whoever wants one creates it, and the next migration gives it its rights. The
/// function `history` is inlined into the reader's query, so its tables must be readable as well; partitions need nothing.
enum ReaderRole {
    static let name = "egiz_reader"

    static let relations = [
        "history", "series", "history_segment", "history_block", "history_packed", "history_class", "twin", "rollup",
        "rollups", "scene", "alert", "alerts", "alert_note", "twin_type", "data_bindings_3d", "stage", "task",
        "task_offset", "idle_advance", "log_gap", "deployment", "worker", "topology_worker",
    ]

    private static let functions = ["history(text, text, timestamptz, timestamptz)"]

    /// Gives the role what it lacks; does nothing where there is no such role. In one session at a time.
    static func grant(to role: String, _ connection: PostgresConnection) throws(EngineError) {
        let lacking = try connection.query(
            """
            select format(case when kind = 1 then 'grant usage on schema egiz to %1$I'
                when kind = 2 then 'grant select on %2$s to %1$I' else 'grant execute on function %2$s to %1$I' end,
                role.rolname, object)
            from pg_roles role
            cross join (
                select 1 as kind, null as object
                union all select 2, 'egiz.' || name from unnest($2) as name where to_regclass('egiz.' || name) is not null
                union all select 3, 'egiz.' || name from unnest($3) as name where to_regprocedure('egiz.' || name) is not null
            ) wanted
            where role.rolname = $1 and not case
                when kind = 1 then has_schema_privilege(role.oid, 'egiz', 'usage')
                when kind = 2 then has_table_privilege(role.oid, object, 'select')
                else has_function_privilege(role.oid, object, 'execute') end
            order by kind, object
            """, [.text(role), .textArray(relations), .textArray(functions)])
        for row in lacking { if let grant = row.text(0) { try connection.execute(grant) } }
    }
}
