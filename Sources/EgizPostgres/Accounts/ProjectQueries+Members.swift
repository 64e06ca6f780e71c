public import EgizCore
import EgizTwin

extension ProjectQueries {
    /// Where a member stands in the list: owners first, then by e-mail address.
    public struct MemberPlace: Sendable, Equatable {
        var rank: Int64
        var user: UUIDText
        var email: String

        public init(_ member: StoredMember) {
            rank = Int64(Role.owner.rawValue - member.role.rawValue)
            (user, email) = (member.user, member.email ?? "")
        }

        public var text: String { "\(rank) \(user.text) \(email)" }

        /// Nil where the text is none of `text`.
        public init?(_ text: String) {
            let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let rank = Int64(parts[0]), let user = UUIDText(parts[1]),
                !parts[2].utf8.contains(0)
            else { return nil }
            (self.rank, self.user, self.email) = (rank, user, String(parts[2]))
        }
    }

    /// Up to `limit` members after `after`, owners first.
    public func members(
        of project: ProjectID, after: MemberPlace?, limit: Int
    ) throws(EngineError) -> (members: [StoredMember], hasMore: Bool) {
        let rank = "case member.role when 'owner' then 0 when 'editor' then 1 else 2 end"
        let email = "coalesce(account.email, '')"
        let rows = try connection.query(
            """
            \(Self.members) where member.project_id = $1::text::uuid
                and ($2::bigint is null or (\(rank), \(email), account.user_id) > ($2::bigint, $3::text, $4::text::uuid))
            order by \(rank), \(email), account.user_id limit $5
            """,
            [
                .text(project.text), .optional(after?.rank), .optional(after?.email), .optional(after?.user.text),
                .int64(Int64(limit) + 1),
            ])
        return (rows.prefix(limit).compactMap(Self.member), rows.count > limit)
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
