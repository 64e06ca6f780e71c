public import EgizCore
public import EgizTwin

/// Reads the audit log. Confined to the thread of its connection.
public struct AuditQueries {
    /// Which entries are meant; nil does not restrict.
    public struct Filter: Sendable, Equatable {
        public var actor: String?
        /// The action, or with a dot at the end all that begin so: `project.`.
        public var action: String?
        public var object: String?
        public var project: ProjectID?
        /// Inclusive.
        public var since: EventTime?
        /// Exclusive.
        public var until: EventTime?

        public init(
            actor: String? = nil, action: String? = nil, object: String? = nil, project: ProjectID? = nil,
            since: EventTime? = nil, until: EventTime? = nil
        ) {
            self.actor = actor
            self.action = action
            self.object = object
            self.project = project
            self.since = since
            self.until = until
        }
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// The newest entries, those with ids below `before`.
    public func page(
        _ filter: Filter, before: Int64?, limit: Int
    ) throws(EngineError) -> (entries: [StoredAuditEntry], hasMore: Bool) {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions = ["true"]
        func demand(_ condition: String, _ value: PostgresValue?) {
            guard let value else { return }
            parameters.append(value)
            conditions.append(condition.replacing("?", with: "$\(parameters.count)"))
        }
        demand("actor = ?", filter.actor.map { .text($0) })
        if let action = filter.action {
            demand(action.utf8.last == UInt8(ascii: ".") ? "starts_with(action, ?)" : "action = ?", .text(action))
        }
        demand("object = ?", filter.object.map { .text($0) })
        demand("project_id = ?::text::uuid", filter.project.map { .text($0.text) })
        demand("at >= ?", filter.since.map { .timestamp(microseconds: $0.microseconds) })
        demand("at < ?", filter.until.map { .timestamp(microseconds: $0.microseconds) })
        demand("audit_id < ?", before.map { .int64($0) })
        let rows = try connection.query(
            """
            select audit_id, at, actor, actor_name, action, object, project_id::text, before, after, remote_address,
                request_id, hash
            from egiz.audit where \(conditions.joined(separator: " and ")) order by audit_id desc limit $1
            """, parameters)
        return (rows.prefix(limit).map(Self.entry), rows.count > limit)
    }

    private static func entry(_ row: PostgresRow) -> StoredAuditEntry {
        StoredAuditEntry(
            id: row.int64(0) ?? 0, at: EventTime(microseconds: row.timestamp(1) ?? 0), actor: row.text(2) ?? "",
            actorName: row.text(3) ?? "", action: row.text(4) ?? "", object: row.text(5) ?? "",
            project: row.text(6).flatMap { ProjectID($0) }, before: row.bytes(7), after: row.bytes(8),
            remoteAddress: row.text(9), requestID: row.text(10), hash: row.bytes(11) ?? [])
    }
}
