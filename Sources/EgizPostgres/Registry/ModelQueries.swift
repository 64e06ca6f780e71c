public import EgizCore
public import EgizTwin

/// 3D models. Files lie in Postgres, in pieces of 1 MiB: a change of a model is one transaction, every process that serves the API has
/// them, a backup of the database has them too, and no name of a file is ever made of what a client says. Confined to the thread of
/// its connection.
public struct ModelQueries {
    private static let chunk = 1 << 20

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        model_id::text, project_id::text, name, media_type, bytes, sha256, node_count, transform::text,
        version, created_at, updated_at
        """

    /// Models of the scope and those for everybody, ascending by id, up to one more than `limit`.
    public func page(
        _ scope: AccessScope, project: ProjectID?, after: UUIDText?, limit: Int
    ) throws(EngineError) -> [StoredModel] {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions = ["true"]
        if case .projects = scope {
            parameters.append(scope.parameter)
            conditions.append("(project_id is null or project_id = any ($\(parameters.count)::uuid[]))")
        }
        if let project {
            parameters.append(.text(project.text))
            conditions.append("project_id = $\(parameters.count)::uuid")
        }
        if let after {
            parameters.append(.text(after.text))
            conditions.append("model_id > $\(parameters.count)::uuid")
        }
        return try connection.query(
            """
            select \(Self.columns) from egiz.model_3d where \(conditions.joined(separator: " and "))
            order by model_id limit $1
            """, parameters
        ).compactMap(Self.model)
    }

    public func model(_ id: UUIDText, locked: Bool = false) throws(EngineError) -> StoredModel? {
        try connection.query(
            "select \(Self.columns) from egiz.model_3d where model_id = $1::uuid\(locked ? " for update" : "")",
            [.text(id.text)]
        ).first.flatMap(Self.model)
    }

    /// JSON: an array of `{"index":0,"name":"Tank","parent":null,"hasMesh":true}`, from a place on, and whether more follow.
    public func nodes(
        _ id: UUIDText, from start: Int, limit: Int
    ) throws(EngineError) -> (json: [UInt8], hasMore: Bool)? {
        try connection.query(
            """
            select (
                select coalesce(jsonb_agg(item.node order by item.place), '[]'::jsonb)::text
                from jsonb_array_elements(model.nodes) with ordinality as item (node, place)
                where item.place > $2 and item.place <= $2 + $3), model.node_count > $2 + $3
            from egiz.model_3d model where model.model_id = $1::uuid
            """, [.text(id.text), .int64(Int64(start)), .int64(Int64(limit))]
        ).first.map { ($0.bytes(0) ?? Array("[]".utf8), $0.bool(1) ?? false) }
    }

    /// The names of the nodes of a thing's model; nil where the thing has none.
    public func nodeNames(of thing: ThingID) throws(EngineError) -> [String]? {
        let rows = try connection.query(
            """
            select array(select node ->> 'name' from jsonb_array_elements(nodes) as node where node ->> 'name' is not null)
            from egiz.twin_registration join egiz.model_3d using (model_id) where thing_id = $1
            """, [.text(thing.text)])
        return rows.first?.textArray(0)?.compactMap(\.self)
    }

    /// The file.
    public func content(_ id: UUIDText) throws(EngineError) -> [UInt8] {
        var file: [UInt8] = []
        for row in try connection.query(
            "select data from egiz.model_3d_chunk where model_id = $1::uuid order by number", [.text(id.text)])
        {
            file += row.bytes(0) ?? []
        }
        return file
    }

    /// Nobody adds a model, or replaces one's file, until the transaction ends. Before any row is locked.
    public func lockUsage() throws(EngineError) {
        _ = try connection.query("select pg_advisory_xact_lock(hashtextextended('egiz.model_3d', 0))")
    }

    /// How many models a project has, and their bytes together; of nil those for everybody. Nobody adds one until the transaction ends.
    public func usage(of project: ProjectID?) throws(EngineError) -> (models: Int64, bytes: Int64) {
        try lockUsage()
        let row = try connection.query(
            """
            select count(*), coalesce(sum(bytes), 0)::bigint from egiz.model_3d
            where project_id is not distinct from $1::text::uuid
            """, [.optional(project?.text)]
        ).first
        return (row?.int64(0) ?? 0, row?.int64(1) ?? 0)
    }

    /// Stores a model; its id.
    ///
    /// Row and file in one statement, and of `replace` the file first: the row's event takes the lock that puts all changes of the registry
    /// in order, and holds it until the commit; nobody waits for megabytes.
    public func create(
        project: ProjectID?, name: String, _ document: ModelDocument, file: [UInt8]
    ) throws(EngineError) -> UUIDText? {
        try connection.query(
            """
            with made as (
                insert into egiz.model_3d (name, media_type, bytes, sha256, nodes, node_count, project_id)
                values ($1, $2, $3, $4, $5::text::jsonb, jsonb_array_length($5::text::jsonb), $6::text::uuid)
                returning model_id
            ), pieces as (
                insert into egiz.model_3d_chunk (model_id, number, data)
                select model_id, piece.number - 1, piece.data
                from made, unnest($7::bytea[]) with ordinality as piece (data, number)
            )
            select model_id::text from made
            """,
            [.text(name)] + Self.values(document, file) + [.optional(project?.text), .bytesArray(Self.pieces(file))]
        ).first?.text(0).flatMap { UUIDText($0) }
    }

    /// Puts another file in the place of a model's, whose row is locked.
    public func replace(_ id: UUIDText, _ document: ModelDocument, file: [UInt8]) throws(EngineError) {
        _ = try connection.query("delete from egiz.model_3d_chunk where model_id = $1::uuid", [.text(id.text)])
        _ = try connection.query(
            """
            insert into egiz.model_3d_chunk (model_id, number, data)
            select $1::uuid, piece.number - 1, piece.data
            from unnest($2::bytea[]) with ordinality as piece (data, number)
            """, [.text(id.text), .bytesArray(Self.pieces(file))])
        _ = try connection.query(
            """
            update egiz.model_3d set media_type = $2, bytes = $3, sha256 = $4, nodes = $5::text::jsonb,
                node_count = jsonb_array_length($5::text::jsonb)
            where model_id = $1::uuid
            """, [.text(id.text)] + Self.values(document, file))
    }

    /// What is nil stays.
    public func change(_ id: UUIDText, name: String?, transform: JSONObject?) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.model_3d set name = coalesce($2, name), transform = coalesce($3::text::jsonb, transform)
            where model_id = $1::uuid
            """,
            [.text(id.text), .optional(name), .optional(transform.map { JSONValue.object($0).text })])
    }

    public func delete(_ id: UUIDText) throws(EngineError) {
        _ = try connection.query("delete from egiz.model_3d where model_id = $1::uuid", [.text(id.text)])
    }

    private static func pieces(_ file: [UInt8]) -> [[UInt8]?] {
        stride(from: 0, to: file.count, by: chunk).map { Array(file[$0..<min(file.count, $0 + chunk)]) }
    }

    private static func values(_ document: ModelDocument, _ file: [UInt8]) -> [PostgresValue] {
        let digest = SHA256.hash(file).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let nodes = document.nodes.map { node in
            var object = JSONObject()
            object["index"] = .int(Int64(node.index))
            object["name"] = node.name.map { .string($0) } ?? .null
            object["parent"] = node.parent.map { .int(Int64($0)) } ?? .null
            object["hasMesh"] = .bool(node.hasMesh)
            return JSONValue.object(object)
        }
        return [
            .text(document.form.rawValue), .int64(Int64(file.count)), .text(digest), .text(JSONValue.array(nodes).text),
        ]
    }

    private static func model(_ row: PostgresRow) -> StoredModel? {
        guard let id = row.text(0).flatMap({ UUIDText($0) }) else { return nil }
        return StoredModel(
            id: id, project: row.text(1).flatMap { ProjectID($0) }, name: row.text(2) ?? "",
            mediaType: row.text(3) ?? "", bytes: row.int64(4) ?? 0, sha256: row.text(5) ?? "",
            nodeCount: row.int64(6) ?? 0, transform: row.bytes(7) ?? [], version: row.int64(8) ?? 0,
            createdAt: EventTime(microseconds: row.timestamp(9) ?? 0),
            updatedAt: EventTime(microseconds: row.timestamp(10) ?? 0))
    }
}
