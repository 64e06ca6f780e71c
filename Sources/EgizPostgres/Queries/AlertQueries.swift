public import EgizCore
public import EgizTwin

/// Reads alerts and scenes, and writes what people ask of alerts. Confined to the thread of its connection.
public struct AlertQueries {
    /// Which alerts are meant; nil does not restrict.
    public struct Filter: Sendable {
        public var thing: ThingID?
        /// Only those that are not cleared.
        public var isOpen: Bool
        /// At least as bad as this.
        public var severity: AlertRow.Severity?
        public var namespace: String?
        public var assignee: String?
        /// Only of things of these projects.
        public var scope: AccessScope

        public init(
            thing: ThingID? = nil, isOpen: Bool = false, severity: AlertRow.Severity? = nil, namespace: String? = nil,
            assignee: String? = nil, scope: AccessScope = .all
        ) {
            (self.thing, self.isOpen, self.severity) = (thing, isOpen, severity)
            (self.namespace, self.assignee, self.scope) = (namespace, assignee, scope)
        }
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        alert.alert_id, coalesce(stage.topology, ''), coalesce(stage.source, ''), alert.partition, alert.processor,
        alert.thing_id, alert.alert_key, alert.rule, alert.severity, alert.state, alert.message, alert.raised_at,
        alert.updated_at, alert.acknowledged_at, alert.acknowledged_by, alert.cleared_at, alert.revision,
        alert.cause_topic, alert.cause_partition, alert.cause_offset, alert.assignee
        """

    /// The newest alerts, those with ids below `before`.
    public func page(_ filter: Filter, before: Int64? = nil, limit: Int) throws(EngineError) -> (
        alerts: [StoredAlert], hasMore: Bool
    ) {
        if filter.scope.isEmpty { return ([], false) }
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions: [String] = ["true"]
        if let thing = filter.thing {
            parameters.append(.text(thing.text))
            conditions.append("alert.thing_id = $\(parameters.count)")
        }
        if filter.isOpen { conditions.append("alert.cleared_at is null") }
        if let severity = filter.severity {
            let names = AlertRow.Severity.allCases.filter { $0 >= severity }.map(\.name)
            parameters.append(.textArray(names))
            conditions.append("alert.severity = any ($\(parameters.count))")
        }
        if let namespace = filter.namespace {
            parameters.append(.text(namespace))
            let name = "$\(parameters.count)"
            conditions.append("alert.thing_id >= \(name) || ':' and alert.thing_id < \(name) || ';'")
        }
        if let assignee = filter.assignee {
            parameters.append(.text(assignee))
            conditions.append("alert.assignee = $\(parameters.count)")
        }
        if let condition = filter.scope.condition(thing: "alert.thing_id", at: parameters.count + 1) {
            parameters.append(filter.scope.parameter)
            conditions.append(condition)
        }
        if let before {
            parameters.append(.int64(before))
            conditions.append("alert.alert_id < $\(parameters.count)")
        }
        let rows = try connection.query(
            """
            select \(Self.columns) from egiz.alerts alert left join egiz.stage on stage.stage = alert.stage
            where \(conditions.joined(separator: " and ")) order by alert.alert_id desc limit $1
            """, parameters)
        return (rows.prefix(limit).map(Self.alert), rows.count > limit)
    }

    /// The alerts of these things that are not cleared.
    func open(of things: [String?]) throws(EngineError) -> [StoredAlert] {
        try connection.query(
            """
            select \(Self.columns) from egiz.alerts alert left join egiz.stage on stage.stage = alert.stage
            where alert.thing_id = any ($1) and alert.cleared_at is null order by alert.alert_id
            """, [.textArray(things)]
        ).map(Self.alert)
    }

    /// The alert; nil where there is none of that id.
    public func alert(_ id: Int64) throws(EngineError) -> StoredAlert? {
        try connection.query(
            """
            select \(Self.columns) from egiz.alerts alert left join egiz.stage on stage.stage = alert.stage
            where alert.alert_id = $1
            """, [.int64(id)]
        ).first.map(Self.alert)
    }

    /// Keeps other people from changing the alert until the end of the transaction. Its task is not held up.
    public func lock(_ alert: Int64) throws(EngineError) {
        // "aler" in ASCII, and the alert; two that share a number wait for each other, and that is all.
        _ = try connection.query("select pg_advisory_xact_lock(1634493810, hashint8($1))", [.int64(alert)])
    }

    /// Asks the owner of the alert's task to acknowledge or clear it; it does so in its next epoch. False where the alert is cleared
    /// already, or there is none.
    public func ask(_ action: String, of alert: Int64, by person: String?) throws(EngineError) -> Bool {
        let written = try connection.query(
            """
            insert into egiz.inbox (stage, partition, processor, thing_id, action, subject, raised_at, requested_by)
            select stage, partition, processor, thing_id, $2, alert_key, raised_at, nullif($3, '')
            from egiz.alert where alert_id = $1 and cleared_at is null
            """, [.int64(alert), .text(action), .text(person ?? "")])
        return written.affected > 0
    }

    /// Writes a note of an alert, or gives it to somebody; an empty assignee takes it from whoever has it. False where there is no such
    /// alert.
    public func note(_ alert: Int64, text: String?, assignee: String?, by person: String?) throws(EngineError) -> Bool {
        let written = try connection.query(
            """
            insert into egiz.alert_note (alert_id, note, assignee, written_by)
            select alert_id, nullif($2, ''), $3::text, nullif($4, '') from egiz.alert where alert_id = $1
            """, [.int64(alert), .text(text ?? ""), .optional(assignee), .text(person ?? "")])
        return written.affected > 0
    }

    /// What people wrote of an alert, the oldest first.
    public func notes(_ alert: Int64) throws(EngineError) -> [AlertNote] {
        try connection.query(
            """
            select note, assignee, written_by, written_at from egiz.alert_note where alert_id = $1 order by note_id limit 1000
            """, [.int64(alert)]
        ).map {
            AlertNote(
                text: $0.text(0), assignee: $0.text(1), by: $0.text(2),
                time: EventTime(microseconds: $0.timestamp(3) ?? 0))
        }
    }

    private static func alert(_ row: PostgresRow) -> StoredAlert {
        func time(_ column: Int) -> EventTime? { row.timestamp(column).map(EventTime.init(microseconds:)) }
        var cause: InputPosition?
        if let topic = row.text(17), let partition = row.int64(18), let offset = row.int64(19) {
            cause = InputPosition(topic: topic, partition: Int32(clamping: partition), offset: offset)
        }
        return StoredAlert(
            id: row.int64(0) ?? 0, stage: StageName(topology: row.text(1) ?? "", source: row.text(2) ?? ""),
            processor: row.text(4) ?? "", thing: row.text(5) ?? "", key: row.text(6) ?? "", rule: row.text(7) ?? "",
            severity: row.text(8) ?? "", state: row.text(9) ?? "", message: row.text(10) ?? "",
            raisedAt: time(11) ?? .earliest, updatedAt: time(12) ?? .earliest, acknowledgedAt: time(13),
            acknowledgedBy: row.text(14), clearedAt: time(15), revision: row.int64(16) ?? 0, cause: cause,
            assignee: row.text(20).flatMap { $0.isEmpty ? nil : $0 })
    }

    // MARK: Scenes

    /// The properties that the bindings of a thing have set, by object and target; those behind `after`, up to one more than `limit`.
    public func scene(
        _ thing: ThingID, after: (object: String, target: String)?, limit: Int
    ) throws(EngineError) -> [StoredProperty] {
        var parameters: [PostgresValue] = [.text(thing.text), .int64(Int64(limit) + 1)]
        if let after { parameters += [.text(after.object), .text(after.target)] }
        return try connection.query(
            """
            select object_name, target, value, revision, event_time, cause_topic, cause_partition, cause_offset
            from egiz.scene where thing_id = $1\(after == nil ? "" : " and (object_name, target) > ($3, $4)")
            order by object_name, target limit $2
            """, parameters
        ).map { row in
            var cause: InputPosition?
            if let topic = row.text(5), let partition = row.int64(6), let offset = row.int64(7) {
                cause = InputPosition(topic: topic, partition: Int32(clamping: partition), offset: offset)
            }
            return StoredProperty(
                object: row.text(0) ?? "", target: row.text(1) ?? "", value: row.bytes(2) ?? [],
                revision: row.int64(3) ?? 0, time: EventTime(microseconds: row.timestamp(4) ?? 0), cause: cause)
        }
    }
}
