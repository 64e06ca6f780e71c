public import EgizCore

/// Failed logins in a row, and for how long nobody may try. Counted for every address that was tried, so that what is answered does
/// not tell which accounts exist; in the database, so that it holds for all processes and over restarts.
public struct LoginFailures {
    /// Failures in a row that cost nothing.
    public static let free: Int64 = 5
    /// Seconds of the first lock; each further failure doubles it.
    public static let first: Int64 = 30
    public static let longest: Int64 = 900

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Seconds until `subject` may be tried again; nil: now.
    public func lock(_ subject: [UInt8]) throws(EngineError) -> Int64? {
        try connection.query(
            """
            select ceil(extract(epoch from locked_until - now()))::bigint from egiz.login_failure
            where subject = $1 and locked_until > now()
            """, [.bytes(subject)]
        ).first?.int64(0).map { max($0, 1) }
    }

    /// Counts a failure; the seconds for which the subject is locked now, nil: it is not. A day without failures forgets them.
    public func count(_ subject: [UInt8]) throws(EngineError) -> Int64? {
        _ = try connection.query(
            """
            delete from egiz.login_failure where subject in (
                select subject from egiz.login_failure where last_at < now() - interval '1 day' limit 100
                for update skip locked)
            """)
        let failures =
            try connection.query(
                """
                insert into egiz.login_failure as known (subject, failures, last_at) values ($1, 1, now())
                on conflict (subject) do update set failures = known.failures + 1, last_at = now()
                returning failures
                """, [.bytes(subject)]
            ).first?.int64(0) ?? 1
        guard failures >= Self.free else { return nil }
        let seconds = min(Self.longest, Self.first << min(failures - Self.free, 10))
        _ = try connection.query(
            "update egiz.login_failure set locked_until = now() + make_interval(secs => $2) where subject = $1",
            [.bytes(subject), .double(Double(seconds))])
        return seconds
    }

    /// After a login that succeeded, or an admin's word.
    public func forget(_ subject: [UInt8]) throws(EngineError) {
        _ = try connection.query("delete from egiz.login_failure where subject = $1", [.bytes(subject)])
    }
}
