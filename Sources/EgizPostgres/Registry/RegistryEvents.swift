public import EgizCore
public import EgizTwin

/// A change of the registry, as `framework.notifications.v1.registry` tells it.
public struct RegistryEvent: Sendable, Equatable {
    /// Rises in the order of commits.
    public var id: Int64
    /// `twin-type`, `binding`, `ml-task`, `ml-task-binding`, `ml-model`, `model`, `twin`, `relation`, `topology`.
    public var kind: String
    public var subject: String
    public var action: String
    /// Of the subject; nil where it has none.
    public var version: Int64?
    public var project: ProjectID?
    public var at: EventTime
}

/// The queue between changes of the registry and Kafka: triggers write it in the transactions of the changes, one process at a time
/// empties it. Confined to the thread of its connection.
public struct RegistryEvents {
    /// "regev" in ASCII: whoever publishes is alone.
    private static let lock: Int64 = 0x72_6567_6576
    /// How long published events stay, for people who look; unsent ones of a system without Kafka go after it, too.
    private static let kept = "7 days"

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Hands the oldest unsent events to `send`, in order, and notes that they are sent, in one transaction: where `send` throws, or the
    /// process dies, they are sent again. The number of events; nil where another process publishes at present.
    public func publish(limit: Int, _ send: ([RegistryEvent]) throws -> Void) throws -> Int? {
        try connection.execute("begin")
        defer { connection.rollback() }
        guard try connection.query("select pg_try_advisory_xact_lock($1)", [.int64(Self.lock)]).first?.bool(0) == true
        else { return nil }
        let events = try connection.query(
            """
            select event_id, kind, subject, action, version, project_id::text, happened_at
            from egiz.registry_event where published_at is null order by event_id limit $1
            """, [.int64(Int64(limit))]
        ).map { row in
            RegistryEvent(
                id: row.int64(0) ?? 0, kind: row.text(1) ?? "", subject: row.text(2) ?? "", action: row.text(3) ?? "",
                version: row.int64(4), project: row.text(5).flatMap { ProjectID($0) },
                at: EventTime(microseconds: row.timestamp(6) ?? 0))
        }
        guard !events.isEmpty else { return 0 }
        try send(events)
        _ = try connection.query(
            "update egiz.registry_event set published_at = clock_timestamp() where event_id = any ($1)",
            [.int64Array(events.map(\.id))])
        try connection.execute("commit")
        return events.count
    }

    /// Forgets what is older than a week.
    public func sweep() throws(EngineError) {
        _ = try connection.query(
            "delete from egiz.registry_event where happened_at < now() - interval '\(Self.kept)'")
    }
}
