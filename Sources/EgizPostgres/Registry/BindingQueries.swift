public import EgizCore
public import EgizTwin

/// Bindings of the registry. Confined to the thread of its connection.
public struct BindingQueries {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        binding_id, binding.twin_type, binding.thing_id,
        (mapping || jsonb_strip_nulls(jsonb_build_object('objectName', object_name, 'target', target, 'path', path,
            'expression', expression)))::text,
        enabled, declared, binding.version, binding.created_at, binding.updated_at
        """

    /// Where a binding stands in the list of a thing.
    public struct Place: Sendable, Equatable {
        /// 0: of the thing itself, 1: of its type, and so on.
        var distance: Int64
        var id: Int64

        public init(_ binding: StoredBinding) { (distance, id) = (binding.distance, binding.id) }

        public var text: String { "\(distance) \(id)" }

        /// Nil where the text is none of `text`.
        public init?(_ text: String) {
            let parts = text.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let distance = Int64(parts[0]), let id = Int64(parts[1]) else { return nil }
            (self.distance, self.id) = (distance, id)
        }
    }

    /// The bindings of a thing after `after`, up to one more than `limit`, and with `inherited` those of its type and the types above it;
    /// the nearest first.
    public func bindings(
        of thing: ThingID, inherited: Bool, after: Place?, limit: Int
    ) throws(EngineError) -> [StoredBinding] {
        try connection.query(
            """
            with recursive lineage (name, distance) as (
                select coalesce(twin.definition, registration.twin_type), 1
                from (select $1::text collate "C" as thing_id) asked
                left join egiz.twin on twin.thing_id = asked.thing_id and not twin.deleted
                left join egiz.twin_registration registration on registration.thing_id = asked.thing_id
                where $2
                union select parent, distance + 1 from egiz.twin_type join lineage on twin_type = name
                where parent is not null and distance < 32)
            select * from (
                select \(Self.columns), 0::bigint as distance from egiz.data_bindings_3d binding where thing_id = $1
                union all
                select \(Self.columns), distance::bigint
                from egiz.data_bindings_3d binding join lineage on binding.twin_type = lineage.name
            ) found
            where $3::bigint is null or (distance, binding_id) > ($3::bigint, $4::bigint)
            order by distance, binding_id limit $5
            """,
            [
                .text(thing.text), .bool(inherited), .optional(after?.distance), .optional(after?.id),
                .int64(Int64(limit) + 1),
            ]
        ).map(Self.binding)
    }

    /// One binding of a thing; nil where the thing has none of that id. With `locked` nobody else changes it until the transaction ends.
    public func binding(_ id: Int64, of thing: ThingID, locked: Bool = false) throws(EngineError) -> StoredBinding? {
        try connection.query(
            """
            select \(Self.columns), 0::bigint from egiz.data_bindings_3d binding
            where binding_id = $1 and thing_id = $2\(locked ? " for update" : "")
            """, [.int64(id), .text(thing.text)]
        ).first.map(Self.binding)
    }

    /// Stores a binding whose words were checked; its id.
    public func create(
        type: String?, thing: ThingID?, _ settings: JSONObject, enabled: Bool, declared: Bool = false
    ) throws(EngineError) -> Int64 {
        let rows = try connection.query(
            """
            insert into egiz.data_bindings_3d (
                object_name, target, path, expression, mapping, enabled, twin_type, thing_id, declared)
            values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9) returning binding_id
            """,
            Self.values(settings, enabled) + [.optional(type), .optional(thing?.text), .bool(declared)])
        return rows.first?.int64(0) ?? 0
    }

    public func replace(_ id: Int64, _ settings: JSONObject, enabled: Bool) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.data_bindings_3d
            set object_name = $1, target = $2, path = $3, expression = $4, mapping = $5::text::jsonb, enabled = $6
            where binding_id = $7
            """, Self.values(settings, enabled) + [.int64(id)])
    }

    public func delete(_ id: Int64) throws(EngineError) {
        _ = try connection.query("delete from egiz.data_bindings_3d where binding_id = $1", [.int64(id)])
    }

    /// Puts the bindings of a type's document in the place of those of the version before; those written by hand stay.
    func declare(_ bindings: [JSONObject], on type: String) throws(EngineError) {
        let present = try connection.query(
            """
            select \(Self.columns), 0::bigint from egiz.data_bindings_3d binding where twin_type = $1 and declared
            order by binding_id
            """, [.text(type)]
        ).map { try? JSONParser().parse(Self.binding($0).settings) }
        // The same again is no change: rows keep their ids, and no worker looks.
        if present == bindings.map({ JSONValue.object($0) }) { return }
        _ = try connection.query(
            "delete from egiz.data_bindings_3d where twin_type = $1 and declared", [.text(type)])
        for binding in bindings {
            _ = try create(type: type, thing: nil, binding, enabled: true, declared: true)
        }
    }

    private static func values(_ settings: JSONObject, _ enabled: Bool) -> [PostgresValue] {
        var rest = settings
        let columns = ["objectName", "target", "path", "expression"].map { name in
            PostgresValue.optional(rest.remove(name)?.string)
        }
        return columns + [.text(JSONValue.object(rest).text), .bool(enabled)]
    }

    private static func binding(_ row: PostgresRow) -> StoredBinding {
        StoredBinding(
            id: row.int64(0) ?? 0, type: row.text(1), thing: row.text(2), settings: row.bytes(3) ?? [],
            isEnabled: row.bool(4) ?? false, isDeclared: row.bool(5) ?? false, version: row.int64(6) ?? 0,
            createdAt: EventTime(microseconds: row.timestamp(7) ?? 0),
            updatedAt: EventTime(microseconds: row.timestamp(8) ?? 0), distance: row.int64(9) ?? 0)
    }
}
