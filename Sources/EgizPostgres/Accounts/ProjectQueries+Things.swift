public import EgizCore
public import EgizTwin

/// What belongs to projects.
extension ProjectQueries {
    // MARK: Namespaces

    public func namespaces(
        of project: ProjectID, after: String?, limit: Int
    ) throws(EngineError) -> (namespaces: [StoredBelonging], hasMore: Bool) {
        try belongings(
            """
            select namespace, added_at from egiz.project_namespace
            where project_id = $1::text::uuid and ($2::text is null or namespace > $2::text) order by namespace limit $3
            """, project, after, limit)
    }

    /// The project that owns the namespace.
    public func owner(ofNamespace namespace: String) throws(EngineError) -> ProjectID? {
        try connection.query(
            "select project_id::text from egiz.project_namespace where namespace = $1", [.text(namespace)]
        ).first?.text(0).flatMap { ProjectID($0) }
    }

    /// Nil where another project has it.
    public func addNamespace(_ namespace: String, to project: ProjectID) throws(EngineError) -> StoredBelonging? {
        try connection.query(
            """
            insert into egiz.project_namespace as owned (namespace, project_id) values ($1, $2::text::uuid)
            on conflict (namespace) do nothing returning namespace, added_at
            """, [.text(namespace), .text(project.text)]
        ).first.map(Self.belonging)
    }

    /// False where the project does not have it.
    public func removeNamespace(_ namespace: String, from project: ProjectID) throws(EngineError) -> Bool {
        try connection.query(
            "delete from egiz.project_namespace where namespace = $1 and project_id = $2::text::uuid",
            [.text(namespace), .text(project.text)]
        ).affected > 0
    }

    /// Nobody else changes what belongs to whom until the transaction ends.
    public func lockBelongings() throws(EngineError) {
        _ = try connection.query("select pg_advisory_xact_lock($1)", [.int64(Self.belongingsLock)])
    }

    /// "belongs" in ASCII.
    private static let belongingsLock: Int64 = 0x62_656c_6f6e_6773

    /// Whether somebody has put anything into this namespace that is nobody's: types, twins (deleted ones too, whose history stays),
    /// what people have registered, history, alerts. Who gets the namespace gets all of it.
    public func isUsed(namespace: String) throws(EngineError) -> Bool {
        try connection.query(
            """
            select 1 where exists (select from egiz.twin_type where split_part(twin_type, ':', 1) = $1)
            or exists (select from (
                select thing_id from egiz.twin where namespace = $1
                union all select thing_id from egiz.twin_registration where namespace = $1
                union all select thing_id from egiz.series where thing_id >= $1 || ':' and thing_id < $1 || ';'
                union all select thing_id from egiz.alert where thing_id >= $1 || ':' and thing_id < $1 || ';'
                union all select thing_id from egiz.twin_relation where thing_id >= $1 || ':' and thing_id < $1 || ';'
                union all select thing_id from egiz.data_bindings_3d where split_part(thing_id, ':', 1) = $1
            ) used where not exists (select from egiz.project_thing owned where owned.thing_id = used.thing_id))
            """, [.text(namespace)]
        ).first != nil
    }

    /// Whether a project has types of twins: the first of them.
    public func type(of project: ProjectID, namespace: String? = nil) throws(EngineError) -> String? {
        try connection.query(
            """
            select twin_type from egiz.twin_type join egiz.project_namespace owned
                on owned.namespace = split_part(twin_type, ':', 1)
            where owned.project_id = $1::text::uuid and ($2::text is null or owned.namespace = $2::text)
            order by twin_type limit 1
            """, [.text(project.text), .optional(namespace)]
        ).first?.text(0)
    }

    // MARK: Things

    /// Things registered one by one.
    public func things(
        of project: ProjectID, after: String?, limit: Int
    ) throws(EngineError) -> (things: [StoredBelonging], hasMore: Bool) {
        let page = try belongings(
            """
            select thing_id, added_at from egiz.project_thing
            where project_id = $1::text::uuid and ($2::text is null or thing_id > $2::text) order by thing_id limit $3
            """, project, after, limit)
        return (page.namespaces, page.hasMore)
    }

    /// Registers a thing, whichever project it is registered with now. The caller has looked whose it is after `lockBelongings`.
    public func putThing(_ thing: ThingID, in project: ProjectID) throws(EngineError) -> StoredBelonging {
        let made = try connection.query(
            """
            insert into egiz.project_thing as owned (thing_id, project_id) values ($1, $2::text::uuid)
            on conflict (thing_id) do update set project_id = excluded.project_id, added_at = now()
            returning thing_id, added_at
            """, [.text(thing.text), .text(project.text)]
        ).first.map(Self.belonging)
        guard let made else { throw EngineError(.bug, .stop, "a thing was not registered") }
        return made
    }

    /// False where it is not registered with the project.
    public func removeThing(_ thing: ThingID, from project: ProjectID) throws(EngineError) -> Bool {
        try connection.query(
            "delete from egiz.project_thing where thing_id = $1 and project_id = $2::text::uuid",
            [.text(thing.text), .text(project.text)]
        ).affected > 0
    }

    /// Whether there is or was a thing of this id: a twin, also a deleted one, a registration, history, alerts.
    public func isUsed(_ thing: ThingID) throws(EngineError) -> Bool {
        try connection.query(
            """
            select 1 where exists (select from egiz.twin where thing_id = $1)
                or exists (select from egiz.twin_registration where thing_id = $1)
                or exists (select from egiz.series where thing_id = $1)
                or exists (select from egiz.alert where thing_id = $1)
                or exists (select from egiz.twin_relation where thing_id = $1)
                or exists (select from egiz.data_bindings_3d where thing_id = $1)
            """, [.text(thing.text)]
        ).first != nil
    }

    private func belongings(
        _ sql: String, _ project: ProjectID, _ after: String?, _ limit: Int
    ) throws(EngineError) -> (namespaces: [StoredBelonging], hasMore: Bool) {
        let rows = try connection.query(
            sql, [.text(project.text), .optional(after), .int64(Int64(limit) + 1)])
        return (rows.prefix(limit).map(Self.belonging), rows.count > limit)
    }

    private static func belonging(_ row: PostgresRow) -> StoredBelonging {
        StoredBelonging(name: row.text(0) ?? "", addedAt: EventTime(microseconds: row.timestamp(1) ?? 0))
    }
}
