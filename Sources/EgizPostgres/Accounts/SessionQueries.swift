public import EgizCore

/// Sign-ins and their refresh tokens. Confined to the thread of its connection; changes belong in the caller's transaction.
public struct SessionQueries {
    /// What came of a refresh token.
    public enum Rotation: Sendable, Equatable {
        case renewed(session: UUIDText, user: UUIDText)
        /// It was used before: somebody has a copy. Its session is revoked.
        case reused(session: UUIDText, user: UUIDText)
        /// Unknown, expired, of a session that has ended, or of a disabled account.
        case unknown
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Begins a session of `lifetime` seconds with its first refresh token.
    public func begin(
        user: UUIDText, tokenHash: [UInt8], lifetime: Int64, remoteAddress: String?, userAgent: String?
    ) throws(EngineError) -> UUIDText {
        // What is long over goes with the next login: nothing else looks at it.
        _ = try connection.query(
            """
            delete from egiz.session where session_id in (
                select session_id from egiz.session where expires_at < now() - interval '7 days' limit 100)
            """)
        let id = try connection.query(
            """
            with begun as (
                insert into egiz.session (user_id, expires_at, remote_address, user_agent)
                values ($1::text::uuid, now() + make_interval(secs => $3), $4, $5) returning session_id
            ), token as (
                insert into egiz.refresh_token (token_hash, session_id) select $2, session_id from begun
            )
            select session_id::text from begun
            """,
            [
                .text(user.text), .bytes(tokenHash), .double(Double(lifetime)), .optional(remoteAddress),
                .optional(userAgent),
            ]
        ).first?.text(0).flatMap { UUIDText($0) }
        guard let id else { throw EngineError(.bug, .stop, "a session was not stored") }
        return id
    }

    /// Replaces a refresh token by the next one of its session.
    public func rotate(_ tokenHash: [UInt8], to next: [UInt8], lifetime: Int64) throws(EngineError) -> Rotation {
        let row = try connection.query(
            """
            select token.session_id::text, session.user_id::text, token.used_at is not null,
                session.revoked_at is null and session.expires_at > now() and account.disabled_at is null
                    and session.created_at > now() - interval '180 days'
            from egiz.refresh_token token join egiz.session using (session_id) join egiz.account using (user_id)
            where token.token_hash = $1 for update of token, session
            """, [.bytes(tokenHash)]
        ).first
        guard let row, let session = row.text(0).flatMap({ UUIDText($0) }),
            let user = row.text(1).flatMap({ UUIDText($0) })
        else { return .unknown }
        guard row.bool(3) == true else { return .unknown }
        if row.bool(2) == true {
            _ = try revoke(session, why: "a refresh token was used twice")
            return .reused(session: session, user: user)
        }
        _ = try connection.query(
            """
            with used as (update egiz.refresh_token set used_at = now() where token_hash = $1),
            -- Those of a session that renews itself all day long; whoever brings one of them back is unknown, as with any made-up token.
            old as (delete from egiz.refresh_token where session_id = $3::text::uuid and used_at < now() - interval '7 days'),
            longer as (update egiz.session set expires_at = now() + make_interval(secs => $4) where session_id = $3::text::uuid)
            insert into egiz.refresh_token (token_hash, session_id) values ($2, $3::text::uuid)
            """, [.bytes(tokenHash), .bytes(next), .text(session.text), .double(Double(lifetime))])
        return .renewed(session: session, user: user)
    }

    /// Ends a session; false where it had ended already.
    public func revoke(_ session: UUIDText, why: String) throws(EngineError) -> Bool {
        try connection.query(
            """
            update egiz.session set revoked_at = now(), revoked_for = $2
            where session_id = $1::text::uuid and revoked_at is null
            """, [.text(session.text), .text(why)]
        ).affected > 0
    }

    /// Ends all sessions of a user; how many there were.
    public func revokeAll(of user: UUIDText, why: String) throws(EngineError) -> Int {
        Int(
            try connection.query(
                """
                update egiz.session set revoked_at = now(), revoked_for = $2
                where user_id = $1::text::uuid and revoked_at is null
                """, [.text(user.text), .text(why)]
            ).affected)
    }
}
