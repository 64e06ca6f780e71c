public import EgizCore
public import EgizTwin

/// Removes a thing everywhere in the database, and writes down that it did: of the id only the SHA-256.
///
/// What Kafka keeps is not touched: events of the thing that are still unread make it anew, and so does a reset of offsets. Stop
/// its device first. Confined to the thread of its connection.
public struct ThingErasure {
    public struct Report: Sendable, Equatable {
        /// Of the id's UTF-8 bytes, in hex: what `egiz.erasure` keeps.
        public var sha256: String
        /// Rows by table, outboxes as records.
        public var rows: [Count]

        public struct Count: Sendable, Equatable {
            public var table: String
            public var rows: Int
        }

        public subscript(table: String) -> Int { rows.first { $0.table == table }?.rows ?? 0 }
    }

    /// Tables with a column `thing_id` that are read by it and hold nothing else of the thing's task.
    private static let plain = [
        "timer", "state", "rollup", "scene", "alert", "inbox", "redrive", "data_bindings_3d", "ml_prediction", "twin",
        "twin_registration", "twin_relation", "ml_task_binding", "project_thing",
    ]

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Erases in one transaction. The fence of every task that holds or makes something of the thing rises: an owner that is running
    /// loses what it has not committed, drops its caches and takes its tasks over again, so that nothing it remembers comes back.
    ///
    /// Errors: `.postgres`/`.backoff` where an owner holds its task for longer than 10 s.
    public func erase(_ thing: ThingID, by person: String?) throws(EngineError) -> Report {
        try connection.transaction { connection throws(EngineError) in
            try connection.execute("set local lock_timeout = '10s'")
            try fence(thing)
            var rows = try history(thing)
            for table in Self.plain {
                let gone = try connection.query("delete from egiz.\(table) where thing_id = $1", [.text(thing.text)])
                rows.append(.init(table: table, rows: gone.affected))
            }
            let gone = try connection.query("delete from egiz.twin_relation where other_id = $1", [.text(thing.text)])
            rows.append(.init(table: "twin_relation of others", rows: gone.affected))
            // Also the events of these very deletions: whoever reads the topic finds no thing any more, and asks for none.
            let told = try connection.query(
                "delete from egiz.registry_event where subject = $1 and kind in ('twin', 'relation')",
                [.text(thing.text)])
            rows.append(.init(table: "registry_event", rows: told.affected))
            for table in ["dead_letter", "dead_output"] {
                let ofThing = table == "dead_letter" ? "thing_id = $1 or " : ""
                let gone = try connection.query(
                    "delete from egiz.\(table) where \(ofThing)key = convert_to($1, 'UTF8')", [.text(thing.text)])
                rows.append(.init(table: table, rows: gone.affected))
            }
            rows.append(.init(table: "outbox", rows: try outboxes(thing)))
            let hash = try note(thing, person, rows)
            // The name of the thing goes as well: its hash is what stays.
            try AuditWriter.append(
                connection,
                AuditEntry(actor: "operator:\(person ?? "")", action: "thing.erase", object: "erasure:\(hash)"))
            return Report(sha256: hash, rows: rows)
        }
    }

    /// Locks every task that has something of the thing or could write it just now, and raises the fence of those that have. Where
    /// a task comes up that was not locked, because its owner wrote of the thing meanwhile, once more; the owner of a locked
    /// task writes nothing.
    private func fence(_ thing: ThingID) throws(EngineError) {
        let stages = try stages()
        var locked: Set<TaskID> = []
        // What a producer writes of the thing lies in the partition of its key. Such a task may be about to make the thing: it
        // waits, and then makes all of it or nothing.
        let byKey = Set(
            stages.values.map { stage in
                TaskID(
                    stage: stage.name,
                    partition: Murmur2.partition(ofKey: thing.text, partitions: max(1, stage.partitions)))
            })
        var wanted = byKey
        var holders: Set<TaskID> = []
        repeat {
            try lock(wanted.subtracting(locked).sorted())
            locked.formUnion(wanted)
            holders = try self.holders(of: thing, stages)
            wanted = holders
        } while !wanted.isSubset(of: locked)
        // Its series are made before its first epoch, whose owner remembers their ids: all later samples would go to series that are
        // no more.
        if try isBeingMade(thing) { holders.formUnion(byKey) }
        // An owner that takes the task over again finds its fence two steps up: somebody was between, so its cache is void.
        _ = try connection.query(
            """
            update egiz.task set owner_epoch = owner_epoch + 1 from unnest($1, $2) as held (stage, partition)
            where task.stage = held.stage and task.partition = held.partition
            """,
            [
                .textArray(holders.map(\.stage.text)), .int64Array(holders.map { Int64($0.partition) }),
            ])
    }

    /// It has series, and no epoch has made its twin.
    private func isBeingMade(_ thing: ThingID) throws(EngineError) -> Bool {
        let rows = try connection.query(
            """
            select exists (select from egiz.series where thing_id = $1)
                and not exists (select from egiz.twin where thing_id = $1)
            """, [.text(thing.text)])
        return rows.first?.bool(0) ?? false
    }

    private func lock(_ tasks: [TaskID]) throws(EngineError) {
        _ = try connection.query(
            """
            select from egiz.task
            join unnest($1, $2) as wanted (stage, partition)
                on task.stage = wanted.stage and task.partition = wanted.partition
            order by task.stage, task.partition for update of task
            """, [.textArray(tasks.map(\.stage.text)), .int64Array(tasks.map { Int64($0.partition) })])
    }

    private func stages() throws(EngineError) -> [String: (name: StageName, partitions: Int32)] {
        var stages: [String: (name: StageName, partitions: Int32)] = [:]
        for row in try connection.query("select topology, source, partitions from egiz.stage") {
            let name = StageName(topology: row.text(0) ?? "", source: row.text(1) ?? "")
            stages[name.text] = (name, Int32(clamping: row.int64(2) ?? 1))
        }
        return stages
    }

    /// The tasks with rows of the thing: what their owners remember of it came from there.
    private func holders(
        of thing: ThingID, _ stages: [String: (name: StageName, partitions: Int32)]
    ) throws(EngineError) -> Set<TaskID> {
        let rows = try connection.query(
            """
            select stage, partition from egiz.twin where thing_id = $1
            union select stage, partition from egiz.state where thing_id = $1
            union select stage, partition from egiz.timer where thing_id = $1
            union select stage, partition from egiz.rollup where thing_id = $1
            union select stage, partition from egiz.scene where thing_id = $1
            union select stage, partition from egiz.alert where thing_id = $1
            union select stage, partition from egiz.inbox where thing_id = $1
            union select stage, partition from egiz.ml_prediction where thing_id = $1
            union select stage, partition from egiz.dead_letter where thing_id = $1 or key = convert_to($1, 'UTF8')
            """, [.text(thing.text)])
        var tasks: Set<TaskID> = []
        for row in rows {
            guard let stage = row.text(0).flatMap({ stages[$0] }), let partition = row.int64(1) else { continue }
            tasks.insert(TaskID(stage: stage.name, partition: Int32(clamping: partition)))
        }
        for outbox in try pending(thing, stages) { tasks.insert(outbox.task) }
        return tasks
    }

    private func history(_ thing: ThingID) throws(EngineError) -> [Report.Count] {
        try HistoryErasure(connection).erase(thing).map { .init(table: $0.table, rows: $0.rows) }
    }

    /// The outboxes with records of that key.
    private func pending(
        _ thing: ThingID, _ stages: [String: (name: StageName, partitions: Int32)]
    ) throws(EngineError) -> [Outbox] {
        let key = Array(thing.text.utf8)
        var found: [Outbox] = []
        // Only what Kafka has not acknowledged lies there, so all of it can be looked through, a task at a time.
        for row in try connection.query("select distinct stage, partition from egiz.outbox") {
            guard let stage = row.text(0).flatMap({ stages[$0] }), let partition = row.int64(1) else { continue }
            let task = TaskID(stage: stage.name, partition: Int32(clamping: partition))
            found += try OutboxRows.read(of: task, connection).filter { $0.records.contains { $0.key == key } }
        }
        return found
    }

    private func outboxes(_ thing: ThingID) throws(EngineError) -> Int {
        let key = Array(thing.text.utf8)
        var count = 0
        for var outbox in try pending(thing, stages()) {
            let before = outbox.records.count
            outbox.records.removeAll { $0.key == key }
            count += before - outbox.records.count
            try OutboxRows.rewrite(outbox, connection)
        }
        return count
    }

    private func note(_ thing: ThingID, _ person: String?, _ rows: [Report.Count]) throws(EngineError) -> String {
        let counts = "{" + rows.map { "\"\($0.table)\":\($0.rows)" }.joined(separator: ",") + "}"
        let noted = try connection.query(
            """
            insert into egiz.erasure (thing_sha256, erased_by, counts)
            values (encode(sha256(convert_to($1, 'UTF8')), 'hex'), nullif($2, ''), $3::jsonb) returning thing_sha256
            """, [.text(thing.text), .text(person ?? ""), .text(counts)])
        return noted.first?.text(0) ?? ""
    }
}
