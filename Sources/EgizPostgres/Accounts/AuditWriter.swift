public import EgizCore

/// Appends to the audit log. The database numbers the entries and chains their hashes (`egiz.audit`), one transaction at a time:
/// append last in yours, its lock is held until the commit.
public enum AuditWriter {
    /// In the transaction of the change it tells of, so that there is neither without the other.
    public static func append(_ connection: PostgresConnection, _ entry: AuditEntry) throws(EngineError) {
        func text(_ bytes: [UInt8]?) -> PostgresValue {
            .optional(bytes.map { String(decoding: $0, as: UTF8.self) })
        }
        _ = try connection.query(
            """
            insert into egiz.audit (actor, actor_name, action, object, project_id, before, after, remote_address, request_id)
            values ($1, $2, $3, $4, $5::text::uuid, $6::text::json, $7::text::json, $8, $9)
            """,
            [
                .text(entry.actor), .text(entry.actorName), .text(entry.action), .text(entry.object),
                .optional(entry.project?.text), text(entry.before), text(entry.after), .optional(entry.remoteAddress),
                .optional(entry.requestID),
            ])
    }
}
