public import EgizCore
public import EgizRuntime
public import EgizTwin

/// The registry of rules, the things of a task, and its inbox (rules 19 and 20).
extension PostgresTaskStore {
    public func registry(after version: Int64?) throws(EngineError) -> RuleRegistry? {
        let (connection, _) = try session.connection()
        let found = try connection.query("select version from egiz.registry")
        let present = found.first?.int64(0) ?? 0
        guard present != version else { return nil }
        var rows = RegistryRows(version: present)
        for row in try connection.query(RegistryRows.statement) { rows.add(row) }
        return rows.finished()
    }

    public func things(of task: TaskID, after: String, limit: Int) throws(EngineError) -> [ThingID] {
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select thing_id from egiz.twin where stage = $1 and partition = $2 and thing_id > $3
            order by thing_id limit $4
            """, [.text(task.stage.text), .int64(Int64(task.partition)), .text(after), .int64(Int64(limit))])
        return try Self.things(rows, task)
    }

    public func things(of task: TaskID, among things: [ThingID]) throws(EngineError) -> [ThingID] {
        guard !things.isEmpty else { return [] }
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select thing_id from egiz.twin where stage = $1 and partition = $2 and thing_id = any ($3) order by thing_id
            """,
            [.text(task.stage.text), .int64(Int64(task.partition)), .textArray(things.map(\.text))])
        return try Self.things(rows, task)
    }

    private static func things(_ rows: PostgresRows, _ task: TaskID) throws(EngineError) -> [ThingID] {
        var things: [ThingID] = []
        for row in rows {
            guard let text = row.text(0), let thing = try? ThingID(validating: text) else {
                throw EngineError(
                    .state, .stop,
                    "a row of egiz.twin of task \(task) has a thing id that is none: somebody changed the table by hand"
                )
            }
            things.append(thing)
        }
        return things
    }

    public func inbox(of leases: [TaskLease], limit: Int) throws(EngineError) -> [InboxMessage] {
        guard !leases.isEmpty, limit > 0 else { return [] }
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select mine.place, message_id, processor, thing_id, action, subject, requested_by, raised_at
            from unnest($1, $2) with ordinality as mine (stage, partition, place)
            join egiz.inbox on inbox.stage = mine.stage and inbox.partition = mine.partition
            order by message_id limit $3
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64(Int64(limit)),
            ])
        return rows.compactMap { row in
            // A thing that is none has no processor to hear of it; such a row was written by hand and stays.
            guard let place = row.int64(0), let thing = row.text(3).flatMap({ try? ThingID(validating: $0) }) else {
                return nil
            }
            return InboxMessage(
                id: row.int64(1) ?? 0, task: leases[Int(place) - 1].task, processor: row.text(2) ?? "", thing: thing,
                action: row.text(4) ?? "", subject: row.text(5) ?? "",
                raisedAt: row.timestamp(7).map(EventTime.init(microseconds:)), by: row.text(6))
        }
    }
}
