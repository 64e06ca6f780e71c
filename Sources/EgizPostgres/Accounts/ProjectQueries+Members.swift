public import EgizCore
import EgizTwin

extension ProjectQueries {
    /// All members, owners first.
    public func members(of project: ProjectID) throws(EngineError) -> [StoredMember] {
        try connection.query(
            """
            \(Self.members) where member.project_id = $1::text::uuid
            order by array_position(array['owner', 'editor', 'viewer'], member.role), account.email, account.user_id
            """, [.text(project.text)]
        ).compactMap(Self.member)
    }

    public func member(_ user: UUIDText, of project: ProjectID) throws(EngineError) -> StoredMember? {
        try connection.query(
            "\(Self.members) where member.project_id = $1::text::uuid and member.user_id = $2::text::uuid",
            [.text(project.text), .text(user.text)]
        ).first.flatMap(Self.member)
    }

    /// Makes the user a member, or gives the member another role; false where there is no such user.
    public func setRole(_ role: Role, of user: UUIDText, in project: ProjectID) throws(EngineError) -> Bool {
        try connection.query(
            """
            insert into egiz.project_member as member (project_id, user_id, role)
            select $1::text::uuid, user_id, $3 from egiz.account where user_id = $2::text::uuid
            on conflict (project_id, user_id) do update set role = excluded.role
            """, [.text(project.text), .text(user.text), .text(role.name)]
        ).affected > 0
    }

    /// False where the user is no member.
    public func removeMember(_ user: UUIDText, from project: ProjectID) throws(EngineError) -> Bool {
        try connection.query(
            "delete from egiz.project_member where project_id = $1::text::uuid and user_id = $2::text::uuid",
            [.text(project.text), .text(user.text)]
        ).affected > 0
    }

    /// How many owners who may sign in the project has beside this user. Lock the project before, so that two cannot leave at once.
    public func otherOwners(than user: UUIDText, in project: ProjectID) throws(EngineError) -> Int {
        Int(
            try connection.query(
                """
                select count(*) from egiz.project_member join egiz.account using (user_id)
                where project_id = $1::text::uuid and role = 'owner' and user_id <> $2::text::uuid and disabled_at is null
                """, [.text(project.text), .text(user.text)]
            ).first?.int64(0) ?? 0)
    }

    private static let members = """
        select member.user_id::text, account.email, account.name, member.role, member.added_at,
            account.disabled_at is not null
        from egiz.project_member member join egiz.account using (user_id)
        """

    private static func member(_ row: PostgresRow) -> StoredMember? {
        guard let user = row.text(0).flatMap({ UUIDText($0) }), let role = row.text(3).flatMap({ Role(name: $0) })
        else {
            return nil
        }
        return StoredMember(
            user: user, email: row.text(1), name: row.text(2) ?? "", role: role,
            addedAt: EventTime(microseconds: row.timestamp(4) ?? 0), isDisabled: row.bool(5) ?? false)
    }
}
