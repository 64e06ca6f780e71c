public import EgizCore
import EgizTwin

/// Reads and writes accounts. Confined to the thread of its connection; changes belong in the caller's transaction.
public struct AccountQueries {
    /// What an admin may change; nil leaves it.
    public struct Change: Sendable, Equatable {
        public var name: String?
        public var isAdmin: Bool?
        public var isDisabled: Bool?

        public init(name: String? = nil, isAdmin: Bool? = nil, isDisabled: Bool? = nil) {
            (self.name, self.isAdmin, self.isDisabled) = (name, isAdmin, isDisabled)
        }
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    static let columns = """
        account.user_id::text, account.email, account.name, account.is_admin, account.issuer, account.created_at,
        account.disabled_at, account.revision
        """

    static func account(_ row: PostgresRow) -> StoredAccount? {
        guard let id = row.text(0).flatMap({ UUIDText($0) }) else { return nil }
        return StoredAccount(
            id: id, email: row.text(1), name: row.text(2) ?? "", isAdmin: row.bool(3) ?? false, issuer: row.text(4),
            createdAt: EventTime(microseconds: row.timestamp(5) ?? 0),
            disabledAt: row.timestamp(6).map(EventTime.init(microseconds:)), revision: row.int64(7) ?? 0)
    }

    // MARK: Reading

    /// `lock`: until the end of the transaction nobody else changes the account.
    public func account(_ id: UUIDText, lock: Bool = false) throws(EngineError) -> StoredAccount? {
        try connection.query(
            """
            select \(Self.columns) from egiz.account where user_id = $1::text::uuid\(lock ? " for update" : "")
            """, [.text(id.text)]
        ).first.flatMap(Self.account)
    }

    /// The account of an e-mail address in small letters, with what its password is checked against.
    public func credentials(email: String) throws(EngineError) -> StoredCredentials? {
        try credentials("email = $1", [.text(email)])
    }

    public func credentials(_ id: UUIDText) throws(EngineError) -> StoredCredentials? {
        try credentials("user_id = $1::text::uuid", [.text(id.text)])
    }

    private func credentials(
        _ condition: String, _ parameters: [PostgresValue]
    ) throws(EngineError) -> StoredCredentials? {
        try connection.query(
            "select \(Self.columns), account.password_hash from egiz.account where \(condition)", parameters
        ).first.flatMap { row in
            Self.account(row).map { StoredCredentials(account: $0, passwordHash: row.text(8)) }
        }
    }

    /// Up to `limit` accounts after `after` (exclusive, an id), ordered by id; those whose e-mail address or name contains `search`.
    public func page(
        search: String?, after: UUIDText?, limit: Int
    ) throws(EngineError) -> (accounts: [StoredAccount], hasMore: Bool) {
        let rows = try connection.query(
            """
            select \(Self.columns) from egiz.account
            where ($1::text::uuid is null or user_id > $1::text::uuid)
                and ($2::text is null or position(lower($2::text) in lower(coalesce(email, '') || ' ' || name)) > 0)
            order by user_id limit $3
            """, [.optional(after?.text), .optional(search), .int64(Int64(limit) + 1)])
        return (rows.prefix(limit).compactMap(Self.account), rows.count > limit)
    }

    /// How many admins may sign in; no admin is made or unmade until the end of the transaction.
    public func lockAdmins() throws(EngineError) -> Int {
        try connection.execute("lock table egiz.account in share row exclusive mode")
        return Int(
            try connection.query("select count(*) from egiz.account where is_admin and disabled_at is null")
                .first?.int64(0) ?? 0)
    }

    // MARK: Writing

    /// Nil where the e-mail address is taken.
    public func create(
        email: String, name: String, passwordHash: String, isAdmin: Bool
    ) throws(EngineError) -> StoredAccount? {
        try connection.query(
            """
            insert into egiz.account as account (email, name, password_hash, is_admin, password_changed_at)
            values ($1, $2, $3, $4, now())
            on conflict (email) do nothing returning \(Self.columns)
            """, [.text(email), .text(name), .text(passwordHash), .bool(isAdmin)]
        ).first.flatMap(Self.account)
    }

    /// The account of somebody whom an outside identity provider vouches for; made where there is none and `mayCreate`.
    ///
    /// An account here that has the same e-mail address is not theirs because of that: then the new one gets none.
    public func outside(
        issuer: String, subject: String, email: String?, name: String, mayCreate: Bool
    ) throws(EngineError) -> StoredAccount? {
        let known = try connection.query(
            "select \(Self.columns) from egiz.account where issuer = $1 and subject = $2",
            [.text(issuer), .text(subject)]
        ).first.flatMap(Self.account)
        if known != nil || !mayCreate { return known }
        return try connection.query(
            """
            insert into egiz.account as account (issuer, subject, email, name)
            select $1, $2, case when exists (select from egiz.account other where other.email = $3) then null else $3 end, $4
            on conflict (issuer, subject) do update set name = account.name
            returning \(Self.columns)
            """, [.text(issuer), .text(subject), .optional(email), .text(name)]
        ).first.flatMap(Self.account)
    }

    /// A new revision of the account; nil where there is none.
    public func change(_ id: UUIDText, _ change: Change) throws(EngineError) -> StoredAccount? {
        try connection.query(
            """
            update egiz.account set
                name = coalesce($2, name),
                is_admin = coalesce($3, is_admin),
                disabled_at = case when $4 then coalesce(disabled_at, now()) when not $4 then null else disabled_at end,
                revision = revision + 1
            where user_id = $1::text::uuid returning \(Self.columns)
            """,
            [.text(id.text), .optional(change.name), .optional(change.isAdmin), .optional(change.isDisabled)]
        ).first.flatMap(Self.account)
    }

    /// The person chose another password.
    public func setPassword(_ id: UUIDText, hash: String) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.account set password_hash = $2, password_changed_at = now()
            where user_id = $1::text::uuid
            """, [.text(id.text), .text(hash)])
    }

    /// Stores the same password with other parameters, unless another one was chosen since `old` was read.
    public func renewHash(_ id: UUIDText, _ hash: String, of old: String) throws(EngineError) {
        _ = try connection.query(
            "update egiz.account set password_hash = $2 where user_id = $1::text::uuid and password_hash = $3",
            [.text(id.text), .text(hash), .text(old)])
    }
}

extension PostgresValue {
    /// A flag, or null for nil.
    static func optional(_ flag: Bool?) -> Self { flag.map { .bool($0) } ?? .null }
}
