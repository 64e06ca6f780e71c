public import EgizCore

/// Checks the chain of the audit log: that no entry was changed, taken out or put in between since it was written.
///
/// The hashes are computed here, from the rows alone: what the database's own functions say is not relied on.
public struct AuditVerifier {
    /// The end of the chain; noted elsewhere, it shows later that nothing before it was rewritten.
    public struct Head: Sendable, Equatable {
        public var id: Int64
        public var hash: [UInt8]

        public init(id: Int64, hash: [UInt8]) {
            self.id = id
            self.hash = hash
        }
    }

    public enum Verdict: Sendable, Equatable {
        /// Everything holds; how many entries, and the end.
        case intact(Int64, Head)
        /// The first entry that does not fit, and how.
        case broken(Int64, String)
    }

    private static let start = Array("egiz audit".utf8)
    private static let batch: Int64 = 5000

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Reads the whole log, on one snapshot.
    ///
    /// - Parameter noted: a head that an earlier run gave; it must still be in the chain.
    public func verify(noted: Head? = nil) throws(EngineError) -> Verdict {
        try connection.execute("begin isolation level repeatable read, read only")
        defer { connection.rollback() }
        var head = Head(id: 0, hash: SHA256.hash(Self.start))
        while true {
            let rows = try connection.query(
                """
                select audit_id, previous, hash, json_build_array(
                    audit_id, (extract(epoch from at) * 1000000)::bigint, actor, actor_name, action,
                    object, project_id::text, before::text, after::text, remote_address, request_id)::text
                from egiz.audit where audit_id > $1 order by audit_id limit $2
                """, [.int64(head.id), .int64(Self.batch)])
            for row in rows {
                let id = row.int64(0) ?? 0
                guard id == head.id + 1 else {
                    return .broken(id, "entries \(head.id + 1) to \(id - 1) are missing before it")
                }
                guard row.bytes(1) == head.hash else {
                    return .broken(id, "it does not continue the entry before it")
                }
                let hash = SHA256.hash(head.hash + (row.bytes(3) ?? []))
                guard row.bytes(2) == hash else { return .broken(id, "its content is not what was written") }
                head = Head(id: id, hash: hash)
                if let noted, noted.id == id, noted.hash != hash {
                    return .broken(id, "it is not the entry that was noted: the log was rewritten up to it")
                }
            }
            if rows.count < Int(Self.batch) { break }
        }
        return try end(at: head, noted: noted)
    }

    private func end(at head: Head, noted: Head?) throws(EngineError) -> Verdict {
        let kept = try connection.query("select audit_id, hash from egiz.audit_head").first
        guard let kept, kept.int64(0) == head.id, kept.bytes(1) == head.hash else {
            return .broken(head.id + 1, "the log ends before the entry that was written last")
        }
        if let noted, noted.id > head.id { return .broken(head.id + 1, "the log ends before the entry that was noted") }
        return .intact(head.id, head)
    }
}
