public import EgizCore
public import EgizTwin

/// Invitations to projects. Confined to the thread of its connection; changes belong in the caller's transaction.
public struct InvitationQueries {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = "invitation_id::text, project_id::text, email, role, created_at, expires_at"

    private static func invitation(_ row: PostgresRow) -> StoredInvitation? {
        guard let id = row.text(0).flatMap({ UUIDText($0) }), let project = row.text(1).flatMap({ ProjectID($0) }),
            let role = row.text(3).flatMap({ Role(name: $0) })
        else { return nil }
        return StoredInvitation(
            id: id, project: project, email: row.text(2) ?? "", role: role,
            createdAt: EventTime(microseconds: row.timestamp(4) ?? 0),
            expiresAt: EventTime(microseconds: row.timestamp(5) ?? 0))
    }

    /// Up to `limit` that can still be accepted after `after`, the newest first.
    public func open(
        of project: ProjectID, after: TimedPlace?, limit: Int
    ) throws(EngineError) -> (invitations: [StoredInvitation], hasMore: Bool) {
        let rows = try connection.query(
            """
            select \(Self.columns) from egiz.invitation
            where project_id = $1::text::uuid and accepted_at is null and expires_at > now()
                and ($2::timestamptz is null or created_at < $2 or created_at = $2 and invitation_id > $3::text::uuid)
            order by created_at desc, invitation_id limit $4
            """,
            [
                .text(project.text), .optional(microseconds: after?.time.microseconds), .optional(after?.id.text),
                .int64(Int64(limit) + 1),
            ])
        return (rows.prefix(limit).compactMap(Self.invitation), rows.count > limit)
    }

    /// Replaces an open invitation of the same address to the same project.
    public func create(
        _ project: ProjectID, email: String, role: Role, tokenHash: [UInt8], by user: UUIDText?, expiresAt: EventTime
    ) throws(EngineError) -> StoredInvitation {
        _ = try connection.query(
            """
            delete from egiz.invitation where project_id = $1::text::uuid and email = $2 and accepted_at is null
            """, [.text(project.text), .text(email)])
        let made = try connection.query(
            """
            insert into egiz.invitation (project_id, email, role, token_hash, invited_by, expires_at)
            values ($1::text::uuid, $2, $3, $4, $5::text::uuid, $6) returning \(Self.columns)
            """,
            [
                .text(project.text), .text(email), .text(role.name), .bytes(tokenHash), .optional(user?.text),
                .timestamp(microseconds: expiresAt.microseconds),
            ]
        ).first.flatMap(Self.invitation)
        guard let made else { throw EngineError(.bug, .stop, "an invitation was not stored") }
        return made
    }

    /// The open invitation of a token and an address, locked until the end of the transaction.
    public func find(tokenHash: [UInt8], email: String) throws(EngineError) -> StoredInvitation? {
        try connection.query(
            """
            select \(Self.columns) from egiz.invitation
            where token_hash = $1 and email = $2 and accepted_at is null and expires_at > now() for update
            """, [.bytes(tokenHash), .text(email)]
        ).first.flatMap(Self.invitation)
    }

    public func accept(_ id: UUIDText, by user: UUIDText) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.invitation set accepted_at = now(), accepted_by = $2::text::uuid
            where invitation_id = $1::text::uuid
            """, [.text(id.text), .text(user.text)])
    }

    /// The invitation as it was; nil where the project has no such open one.
    public func withdraw(_ id: UUIDText, of project: ProjectID) throws(EngineError) -> StoredInvitation? {
        try connection.query(
            """
            delete from egiz.invitation
            where invitation_id = $1::text::uuid and project_id = $2::text::uuid and accepted_at is null
            returning \(Self.columns)
            """, [.text(id.text), .text(project.text)]
        ).first.flatMap(Self.invitation)
    }
}
