public import EgizCore
public import EgizTwin

/// API keys of a user. Confined to the thread of its connection; changes belong in the caller's transaction.
public struct APIKeyQueries {
    /// A key that is to be made.
    public struct New: Sendable {
        public var name: String
        public var prefix: String
        public var hash: [UInt8]
        public var role: Role
        public var isAdmin: Bool
        public var projects: [ProjectID]?
        public var expiresAt: EventTime

        public init(
            name: String, prefix: String, hash: [UInt8], role: Role, isAdmin: Bool, projects: [ProjectID]?,
            expiresAt: EventTime
        ) {
            self.name = name
            self.prefix = prefix
            self.hash = hash
            self.role = role
            self.isAdmin = isAdmin
            self.projects = projects
            self.expiresAt = expiresAt
        }
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        key_id::text, name, prefix, role, is_admin, project_ids::text[], created_at, expires_at, last_used_at, revoked_at
        """

    private static func key(_ row: PostgresRow) -> StoredAPIKey? {
        guard let id = row.text(0).flatMap({ UUIDText($0) }), let role = row.text(3).flatMap({ Role(name: $0) }) else {
            return nil
        }
        func time(_ column: Int) -> EventTime? { row.timestamp(column).map(EventTime.init(microseconds:)) }
        return StoredAPIKey(
            id: id, name: row.text(1) ?? "", prefix: row.text(2) ?? "", role: role, isAdmin: row.bool(4) ?? false,
            projects: row.textArray(5)?.compactMap { $0.flatMap { ProjectID($0) } }, createdAt: time(6) ?? .earliest,
            expiresAt: time(7) ?? .earliest, lastUsedAt: time(8), revokedAt: time(9))
    }

    /// Up to `limit` keys after `after`, the newest first.
    public func keys(
        of user: UUIDText, after: TimedPlace?, limit: Int
    ) throws(EngineError) -> (keys: [StoredAPIKey], hasMore: Bool) {
        let rows = try connection.query(
            """
            select \(Self.columns) from egiz.api_key
            where user_id = $1::text::uuid
                and ($2::timestamptz is null or created_at < $2 or created_at = $2 and key_id > $3::text::uuid)
            order by created_at desc, key_id limit $4
            """,
            [
                .text(user.text), .optional(microseconds: after?.time.microseconds), .optional(after?.id.text),
                .int64(Int64(limit) + 1),
            ])
        return (rows.prefix(limit).compactMap(Self.key), rows.count > limit)
    }

    /// Keys that work.
    public func count(of user: UUIDText) throws(EngineError) -> Int {
        Int(
            try connection.query(
                """
                select count(*) from egiz.api_key
                where user_id = $1::text::uuid and revoked_at is null and expires_at > now()
                """, [.text(user.text)]
            ).first?.int64(0) ?? 0)
    }

    public func create(_ new: New, of user: UUIDText) throws(EngineError) -> StoredAPIKey {
        let made = try connection.query(
            """
            insert into egiz.api_key (user_id, name, prefix, key_hash, role, is_admin, project_ids, expires_at)
            values ($1::text::uuid, $2, $3, $4, $5, $6, $7::text[]::uuid[], $8) returning \(Self.columns)
            """,
            [
                .text(user.text), .text(new.name), .text(new.prefix), .bytes(new.hash), .text(new.role.name),
                .bool(new.isAdmin), new.projects.map { .textArray($0.map(\.text)) } ?? .null,
                .timestamp(microseconds: new.expiresAt.microseconds),
            ]
        ).first.flatMap(Self.key)
        guard let made else { throw EngineError(.bug, .stop, "an API key was not stored") }
        return made
    }

    /// Revokes all keys of a user that work; how many there were.
    public func revokeAll(of user: UUIDText) throws(EngineError) -> Int {
        Int(
            try connection.query(
                """
                update egiz.api_key set revoked_at = now()
                where user_id = $1::text::uuid and revoked_at is null and expires_at > now()
                """, [.text(user.text)]
            ).affected)
    }

    /// The key as it was; nil where the user has no such key that is not revoked yet.
    public func revoke(_ id: UUIDText, of user: UUIDText) throws(EngineError) -> StoredAPIKey? {
        try connection.query(
            """
            update egiz.api_key set revoked_at = now()
            where key_id = $1::text::uuid and user_id = $2::text::uuid and revoked_at is null returning \(Self.columns)
            """, [.text(id.text), .text(user.text)]
        ).first.flatMap(Self.key)
    }
}
