public import EgizCore
import EgizTwin

/// Reads and writes projects. Confined to the thread of its connection; changes belong in the caller's transaction.
public struct ProjectQueries {
    let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = "project_id::text, name, description, created_at, revision"

    private static func project(_ row: PostgresRow) -> StoredProject? {
        guard let id = row.text(0).flatMap({ ProjectID($0) }) else { return nil }
        return StoredProject(
            id: id, name: row.text(1) ?? "", description: row.text(2) ?? "",
            createdAt: EventTime(microseconds: row.timestamp(3) ?? 0), revision: row.int64(4) ?? 0)
    }

    /// `lock`: until the end of the transaction nobody else changes the project, its members or what belongs to it.
    public func project(_ id: ProjectID, lock: Bool = false) throws(EngineError) -> StoredProject? {
        try connection.query(
            """
            select \(Self.columns) from egiz.project where project_id = $1::text::uuid\(lock ? " for update" : "")
            """, [.text(id.text)]
        ).first.flatMap(Self.project)
    }

    /// Up to `limit` projects of the scope after `after` (exclusive), ordered by id.
    public func page(
        _ scope: AccessScope, after: ProjectID?, limit: Int
    ) throws(EngineError) -> (projects: [StoredProject], hasMore: Bool) {
        let rows = try connection.query(
            """
            select \(Self.columns) from egiz.project
            where ($1::uuid[] is null or project_id = any ($1::uuid[]))
                and ($2::text is null or project_id > $2::text::uuid)
            order by project_id limit $3
            """, [scope.parameter, .optional(after?.text), .int64(Int64(limit) + 1)])
        return (rows.prefix(limit).compactMap(Self.project), rows.count > limit)
    }

    /// `owner` nil: it is the admins' until somebody joins.
    public func create(name: String, description: String, owner: UUIDText?) throws(EngineError) -> StoredProject {
        let made = try connection.query(
            """
            insert into egiz.project (name, description, created_by) values ($1, $2, $3::text::uuid)
            returning \(Self.columns)
            """, [.text(name), .text(description), .optional(owner?.text)]
        ).first.flatMap(Self.project)
        guard let made else { throw EngineError(.bug, .stop, "a project was not stored") }
        if let owner { _ = try setRole(.owner, of: owner, in: made.id) }
        return made
    }

    /// How many projects the user owns.
    public func owned(by user: UUIDText) throws(EngineError) -> Int {
        Int(
            try connection.query(
                "select count(*) from egiz.project_member where user_id = $1::text::uuid and role = 'owner'",
                [.text(user.text)]
            ).first?.int64(0) ?? 0)
    }

    /// A new revision of the project; nil where there is none.
    public func change(_ id: ProjectID, name: String?, description: String?) throws(EngineError) -> StoredProject? {
        try connection.query(
            """
            update egiz.project set name = coalesce($2, name), description = coalesce($3, description),
                revision = revision + 1
            where project_id = $1::text::uuid returning \(Self.columns)
            """, [.text(id.text), .optional(name), .optional(description)]
        ).first.flatMap(Self.project)
    }

    /// Its members leave it, and its namespaces and things are nobody's again.
    public func delete(_ id: ProjectID) throws(EngineError) {
        _ = try connection.query("delete from egiz.project where project_id = $1::text::uuid", [.text(id.text)])
    }
}
