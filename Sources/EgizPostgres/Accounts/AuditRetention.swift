public import EgizCore
public import EgizTwin

/// Takes old entries out of the audit log, so that what remains can still be checked.
///
/// A cut is an entry of the log like any other: it says up to where, and the hash of the last entry that went. The chain goes on from
/// there (`egiz.audit_checkpoint`), and `AuditVerifier` holds the two to each other.
public struct AuditRetention {
    public enum Outcome: Sendable, Equatable {
        /// How many entries went, and the end of the chain now; nothing was old enough where none went.
        case cut(Int64, AuditVerifier.Head)
        /// The log does not hold as it is, so nothing was taken away that may be needed to see why.
        case broken(Int64, String)
    }

    /// Entries that go in one transaction, in which nobody else can write to the log.
    static let most: Int64 = 20_000

    private let connection: PostgresConnection
    private let most: Int64

    public init(_ connection: PostgresConnection) { self.init(connection, most: Self.most) }

    init(_ connection: PostgresConnection, most: Int64) {
        self.connection = connection
        self.most = most
    }

    /// The time that lies so many days back, by the clock that entries are written with.
    public func time(daysAgo days: Int) throws(EngineError) -> EventTime {
        let rows = try connection.query("select now() - make_interval(days => $1::int)", [.int64(Int64(days))])
        return EventTime(microseconds: rows.first?.timestamp(0) ?? 0)
    }

    /// How many entries a cut would take away: the oldest ones, up to the first that is not older.
    public func count(before time: EventTime) throws(EngineError) -> Int64 {
        let rows = try connection.query(
            """
            select coalesce(
                (select audit_id - 1 from egiz.audit where at >= $1 order by audit_id limit 1),
                (select audit_id from egiz.audit_head)) - (select through_id from egiz.audit_checkpoint)
            """, [.timestamp(microseconds: time.microseconds)])
        return rows.first?.int64(0) ?? 0
    }

    /// Takes away what was written before `time`, after the whole log was found to hold.
    ///
    /// - Parameters:
    ///   - actor: Who, as entries name it; `name`: what people call it.
    ///   - noted: an end that was noted earlier; it must still be in the log.
    public func cut(
        before time: EventTime, actor: String, name: String = "", noted: AuditVerifier.Head? = nil
    ) throws(EngineError) -> Outcome {
        let verifier = AuditVerifier(connection)
        let verified: AuditVerifier.Head
        switch try verifier.verify(noted: noted) {
        case .broken(let id, let why): return .broken(id, why)
        case .intact(_, let head, _): verified = head
        }
        var removed: Int64 = 0
        while true {
            let rows = try connection.query(
                "select egiz.audit_cut($1, $2, $3, $4, $5)",
                [
                    .timestamp(microseconds: time.microseconds), .int64(most), .int64(verified.id), .text(actor),
                    .text(name),
                ])
            let count = rows.first?.int64(0) ?? 0
            removed += count
            if count < most { break }
        }
        let end = try connection.query("select audit_id, hash from egiz.audit_head").first
        return .cut(removed, AuditVerifier.Head(id: end?.int64(0) ?? 0, hash: end?.bytes(1) ?? []))
    }
}
