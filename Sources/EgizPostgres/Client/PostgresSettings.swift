/// Session settings of one connection. What the URL itself says wins where libpq knows it (`connect_timeout`, `application_name`…).
public struct PostgresSettings: Sendable {
    /// Upper bound for reaching and logging in to one server.
    public var connectTimeout: Duration = .seconds(5)
    /// How long sent data may stay unacknowledged before the connection counts as dead (`tcp_user_timeout`, on both sides).
    public var deadPeerTimeout: Duration = .seconds(15)
    /// How long this side waits for the answer to one statement before it drops the connection; nil: no limit. Not for COPY.
    /// What a stopped server (SIGSTOP, a frozen machine) needs: it acknowledges nothing and enforces no timeout.
    public var answerTimeout: Duration?
    /// The server ends a session that leaves a transaction idle for this long (rule 3).
    public var idleInTransactionTimeout: Duration = .seconds(30)
    /// The server cancels a statement that runs longer; nil: no limit.
    public var statementTimeout: Duration?
    /// The server gives up waiting for a lock after this long; nil: no limit.
    public var lockTimeout: Duration?

    public init() {}

    /// Run once after connecting. Every name is a setting any role may change for itself.
    var sessionSQL: String {
        var sql = """
            set synchronous_commit = on;
            set client_min_messages = warning;
            set timezone = 'UTC';
            set datestyle = 'ISO';
            set tcp_user_timeout = \(deadPeerTimeout.wholeMilliseconds);
            set tcp_keepalives_idle = 10;
            set tcp_keepalives_interval = 5;
            set tcp_keepalives_count = 3;
            set idle_in_transaction_session_timeout = \(idleInTransactionTimeout.wholeMilliseconds);
            """
        if let statementTimeout { sql += "set statement_timeout = \(statementTimeout.wholeMilliseconds);" }
        if let lockTimeout { sql += "set lock_timeout = \(lockTimeout.wholeMilliseconds);" }
        return sql
    }
}

extension Duration {
    /// Milliseconds, rounded up, so that a positive duration never becomes 0 (which Postgres reads as "no limit").
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
