public import EgizCore
public import EgizTwin

/// Types of twins. A type belongs to the project of its namespace; one of nobody's namespace is for everybody to read, and the admins'
/// to change. Confined to the thread of its connection.
public struct TwinTypeQueries {
    /// "types" in ASCII: whoever changes a type or its parent is alone, so that no circle comes of two changes.
    private static let lock: Int64 = 0x74_7970_6573

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        twin_type, parent, definition::text, version, egiz.project_of_type(twin_type)::text, created_at, updated_at
        """

    /// Types of the scope and those of nobody, ascending by the bytes of their names, up to one more than `limit`.
    public func page(
        _ scope: AccessScope, parent: String?, namespace: String?, after: String?, limit: Int
    ) throws(EngineError) -> [StoredTwinType] {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions = ["true"]
        if case .projects = scope {
            // By namespace alone, as `egiz.project_of_type`: that a thing of the same name is registered says nothing of a type.
            parameters.append(scope.parameter)
            conditions.append(
                """
                (split_part(twin_type, ':', 1) in (
                    select namespace from egiz.project_namespace where project_id = any ($\(parameters.count)::uuid[]))
                or not exists (select from egiz.project_namespace where namespace = split_part(twin_type, ':', 1)))
                """)
        }
        for (column, value) in [
            ("parent =", parent), ("split_part(twin_type, ':', 1) =", namespace), ("twin_type >", after),
        ] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions.append("\(column) $\(parameters.count)")
        }
        return try connection.query(
            """
            select \(Self.columns) from egiz.twin_type where \(conditions.joined(separator: " and "))
            order by twin_type limit $1
            """, parameters
        ).map(Self.type)
    }

    public func type(_ name: String) throws(EngineError) -> StoredTwinType? {
        try connection.query("select \(Self.columns) from egiz.twin_type where twin_type = $1", [.text(name)])
            .first.map(Self.type)
    }

    /// Nobody else changes types until the transaction ends.
    public func lockAll() throws(EngineError) {
        _ = try connection.query("select pg_advisory_xact_lock($1)", [.int64(Self.lock)])
    }

    /// The type, its parent, and so on, as far as they are registered; circles end after 32.
    public func lineage(_ name: String) throws(EngineError) -> [StoredTwinType] {
        try connection.query(
            """
            with recursive lineage (name, up, distance) as (
                select twin_type, parent, 1 from egiz.twin_type where twin_type = $1
                union select twin_type, parent, distance + 1 from egiz.twin_type join lineage on twin_type = up
                where distance < 32)
            select \(Self.columns) from egiz.twin_type join lineage on twin_type = name order by distance
            """, [.text(name)]
        ).map(Self.type)
    }

    /// Stores a type whose definition was checked, with its bindings; inside a transaction that has `lockAll`.
    public func put(_ name: String, parent: String?, _ definition: JSONObject, bindings: [JSONObject])
        throws(EngineError)
    {
        _ = try connection.query(
            """
            insert into egiz.twin_type (twin_type, parent, definition) values ($1, $2, $3::text::jsonb)
            on conflict (twin_type) do update set parent = excluded.parent, definition = excluded.definition
            """, [.text(name), .optional(parent), .text(JSONValue.object(definition).text)])
        try BindingQueries(connection).declare(bindings, on: name)
    }

    public func delete(_ name: String) throws(EngineError) {
        try BindingQueries(connection).declare([], on: name)
        _ = try connection.query("delete from egiz.twin_type where twin_type = $1", [.text(name)])
    }

    /// What refers to a type, in words; nil where nothing does.
    public func users(of name: String) throws(EngineError) -> String? {
        let rows = try connection.query(
            """
            select (select count(*) from egiz.twin_type where parent = $1),
                (select count(*) from egiz.twin_registration where twin_type = $1)
            """, [.text(name)])
        let (children, things) = (rows.first?.int64(0) ?? 0, rows.first?.int64(1) ?? 0)
        return children + things == 0 ? nil : "\(children) types descend from it, \(things) twins are registered as it"
    }

    // MARK: Versions

    public struct Version: Sendable {
        public var version: Int64
        public var parent: String?
        public var definition: JSONObject
        public var writtenAt: EventTime
    }

    /// Versions below `before`, the newest first, up to one more than `limit`.
    public func versions(of name: String, before: Int64?, limit: Int) throws(EngineError) -> [Version] {
        try connection.query(
            """
            select version, parent, definition::text, written_at from egiz.twin_type_version
            where twin_type = $1 and version < $2 order by version desc limit $3
            """, [.text(name), .int64(before ?? .max), .int64(Int64(limit) + 1)]
        ).map { row in
            Version(
                version: row.int64(0) ?? 0, parent: row.text(1), definition: Self.object(row, 2),
                writtenAt: EventTime(microseconds: row.timestamp(3) ?? 0))
        }
    }

    public func version(_ version: Int64, of name: String) throws(EngineError) -> Version? {
        let (before, overflow) = version.addingReportingOverflow(1)
        guard !overflow else { return nil }
        return try versions(of: name, before: before, limit: 1).first { $0.version == version }
    }

    private static func object(_ row: PostgresRow, _ column: Int) -> JSONObject {
        row.bytes(column).flatMap { try? JSONParser().parse($0) }?.object ?? JSONObject()
    }

    private static func type(_ row: PostgresRow) -> StoredTwinType {
        StoredTwinType(
            name: row.text(0) ?? "", parent: row.text(1), definition: object(row, 2), version: row.int64(3) ?? 0,
            project: row.text(4).flatMap { ProjectID($0) },
            createdAt: EventTime(microseconds: row.timestamp(5) ?? 0),
            updatedAt: EventTime(microseconds: row.timestamp(6) ?? 0))
    }
}
