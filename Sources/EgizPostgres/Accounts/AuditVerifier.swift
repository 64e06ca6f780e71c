public import EgizCore
import EgizTwin

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
        /// Everything holds; how many entries, and the end. Entries up to `cut` were taken away by retention; 0: none.
        case intact(Int64, Head, cut: Int64)
        /// The first entry that does not fit, and how.
        case broken(Int64, String)
    }

    private static let start = Head(id: 0, hash: SHA256.hash(Array("egiz audit".utf8)))
    private static let batch: Int64 = 5000

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Reads the whole log, on one snapshot.
    ///
    /// Where old entries were cut, the chain begins at the checkpoint, and an entry of the chain itself must say the same of it: who
    /// takes entries away without one is found out.
    ///
    /// - Parameter noted: a head that an earlier run gave; it must still be in the chain, or be the last entry that was cut.
    public func verify(noted: Head? = nil) throws(EngineError) -> Verdict {
        try connection.execute("begin isolation level repeatable read, read only")
        defer { connection.rollback() }
        let checkpoint = try checkpoint()
        if let noted, noted.id < checkpoint.id {
            return .broken(
                noted.id,
                "it was noted, and is gone with the entries up to \(checkpoint.id): note the end after each cut")
        }
        let left = try connection.query(
            "select audit_id from egiz.audit where audit_id <= $1 order by audit_id limit 1", [.int64(checkpoint.id)])
        if let id = left.first?.int64(0) { return .broken(id, "it is older than what was cut") }
        // The first entry follows the last one that was cut.
        var head = checkpoint
        // What the last entry that tells of a cut says; nothing is cut before the first.
        var told = Self.start
        if let noted, noted.id == checkpoint.id, noted.hash != checkpoint.hash {
            return .broken(noted.id, "it is not the entry that was noted: the log was rewritten up to it")
        }
        while true {
            let rows = try connection.query(
                """
                select audit_id, previous, hash, json_build_array(
                    audit_id, (extract(epoch from at) * 1000000)::bigint, actor, actor_name, action,
                    object, project_id::text, before::text, after::text, remote_address, request_id)::text,
                    case when action = 'audit.cut' then after::text end
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
                if let text = row.bytes(4) {
                    guard let cut = Self.cut(text), cut.id < id else { return .broken(id, "it tells of no cut") }
                    told = cut
                }
                if let noted, noted.id == id, noted.hash != hash {
                    return .broken(id, "it is not the entry that was noted: the log was rewritten up to it")
                }
            }
            if rows.count < Int(Self.batch) { break }
        }
        guard told == checkpoint else {
            return .broken(
                checkpoint.id + 1, "the entries up to \(checkpoint.id) are gone, and no entry tells that they were cut")
        }
        return try end(at: head, checkpoint, noted: noted)
    }

    /// The last entry that was cut; the start of the chain where none was.
    private func checkpoint() throws(EngineError) -> Head {
        let row = try connection.query("select through_id, hash from egiz.audit_checkpoint").first
        return Head(id: row?.int64(0) ?? 0, hash: row?.bytes(1) ?? [])
    }

    /// What an entry `audit.cut` says: the last entry that was cut, with its hash.
    private static func cut(_ text: [UInt8]) -> Head? {
        let object = (try? JSONParser().parse(text))?.object
        guard case .int(let id)? = object?["through"], let hash = object?["hash"]?.string else { return nil }
        return Hexadecimal.bytes(hash).map { Head(id: id, hash: $0) }
    }

    private func end(at head: Head, _ checkpoint: Head, noted: Head?) throws(EngineError) -> Verdict {
        let kept = try connection.query("select audit_id, hash from egiz.audit_head").first
        guard let kept, kept.int64(0) == head.id, kept.bytes(1) == head.hash else {
            return .broken(head.id + 1, "the log ends before the entry that was written last")
        }
        if let noted, noted.id > head.id { return .broken(head.id + 1, "the log ends before the entry that was noted") }
        return .intact(head.id - checkpoint.id, head, cut: checkpoint.id)
    }
}
