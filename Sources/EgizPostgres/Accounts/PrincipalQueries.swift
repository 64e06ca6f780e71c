public import EgizCore

/// Who credentials belong to. What was revoked, has expired, or belongs to a disabled account is not found. Confined to the thread of
/// its connection.
public struct PrincipalQueries {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let account = """
        account.user_id::text, account.email, account.name, account.is_admin,
        array(select member.project_id::text || ' ' || member.role from egiz.project_member member
            where member.user_id = account.user_id)
        """

    /// Of a sign-in.
    public func session(_ id: UUIDText) throws(EngineError) -> StoredPrincipal? {
        try connection.query(
            """
            select \(Self.account) from egiz.session join egiz.account using (user_id)
            where session.session_id = $1::text::uuid and session.revoked_at is null and session.expires_at > now()
                and account.disabled_at is null
            """, [.text(id.text)]
        ).first.flatMap(Self.principal)
    }

    /// Of an account that an outside identity provider vouches for.
    public func account(_ id: UUIDText) throws(EngineError) -> StoredPrincipal? {
        try connection.query(
            "select \(Self.account) from egiz.account where user_id = $1::text::uuid and disabled_at is null",
            [.text(id.text)]
        ).first.flatMap(Self.principal)
    }

    /// Of an API key by the SHA-256 of its text. Notes the use, at most once a minute.
    public func apiKey(hash: [UInt8]) throws(EngineError) -> StoredPrincipal? {
        let row = try connection.query(
            """
            select \(Self.account), api_key.key_id::text, api_key.name, api_key.role, api_key.is_admin,
                api_key.project_ids::text[], coalesce(api_key.last_used_at < now() - interval '1 minute', true)
            from egiz.api_key join egiz.account using (user_id)
            where api_key.key_hash = $1 and api_key.revoked_at is null and api_key.expires_at > now()
                and account.disabled_at is null
            """, [.bytes(hash)]
        ).first
        guard let row, var principal = Self.principal(row), let id = row.text(5).flatMap({ UUIDText($0) }),
            let role = row.text(7).flatMap({ Role(name: $0) })
        else { return nil }
        let projects = row.textArray(9).map { Set($0.compactMap { $0.flatMap { ProjectID($0) } }) }
        principal.key = StoredPrincipal.Key(
            id: id, name: row.text(6) ?? "", role: role, isAdmin: row.bool(8) ?? false, projects: projects)
        if row.bool(10) == true {
            _ = try connection.query(
                "update egiz.api_key set last_used_at = now() where key_id = $1::text::uuid", [.text(id.text)])
        }
        return principal
    }

    /// The project of a thing; nil: nobody's.
    public func project(ofThing thing: String) throws(EngineError) -> ProjectID? {
        try connection.query("select egiz.project_of($1)::text", [.text(thing)])
            .first?.text(0).flatMap { ProjectID($0) }
    }

    public func exists(_ project: ProjectID) throws(EngineError) -> Bool {
        try connection.query("select 1 from egiz.project where project_id = $1::text::uuid", [.text(project.text)])
            .first != nil
    }

    private static func principal(_ row: PostgresRow) -> StoredPrincipal? {
        guard let id = row.text(0).flatMap({ UUIDText($0) }) else { return nil }
        var roles: [ProjectID: Role] = [:]
        for member in row.textArray(4) ?? [] {
            let parts = (member ?? "").split(separator: " ")
            guard parts.count == 2, let project = ProjectID(parts[0]), let role = Role(name: parts[1]) else { continue }
            roles[project] = role
        }
        return StoredPrincipal(
            userID: id, email: row.text(1), name: row.text(2) ?? "", isAdmin: row.bool(3) ?? false, roles: roles)
    }
}
