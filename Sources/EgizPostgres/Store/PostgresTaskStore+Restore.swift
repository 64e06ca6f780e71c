public import EgizCore
public import EgizRuntime
public import EgizTwin

/// Reading what a task needs of its things.
extension PostgresTaskStore {
    /// Bounds one answer, which libpq holds whole in memory.
    private static var mostThings: Int { 5000 }

    public func restore(_ things: [ThingID], of stage: StageName, states processors: [String]) throws(EngineError)
        -> RestoredThings
    {
        var restored = RestoredThings(twins: [], states: [])
        guard !things.isEmpty else { return restored }
        let (connection, _) = try session.connection()
        for start in stride(from: 0, to: things.count, by: Self.mostThings) {
            let ids = things[start..<min(start + Self.mostThings, things.count)].map(\.text)
            if processors.isEmpty {
                for row in try connection.query(Self.twins, [.textArray(ids)]) {
                    restored.twins.append(try twin(row))
                }
            } else {
                try restore(ids, stage, processors, into: &restored, connection)
            }
        }
        return restored
    }

    private static var twins: String {
        """
        select twin.thing_id, stage.topology, stage.source, twin.partition, twin.revision, twin.event_timestamp,
            twin.definition, twin.created, twin.modified, twin.input_topic, twin.input_partition, twin.input_offset,
            twin.document
        from egiz.twin join egiz.stage on stage.stage = twin.stage
        where twin.thing_id = any ($1)
        """
    }

    /// Both tables in one round trip: rows of states have a processor, rows of twins have none.
    private func restore(
        _ things: [String], _ stage: StageName, _ processors: [String], into restored: inout RestoredThings,
        _ connection: PostgresConnection
    ) throws(EngineError) {
        let rows = try connection.query(
            """
            select found.*, null::text, null::bytea from (\(Self.twins)) found
            union all
            select thing_id, null, null, partition, null, null, null, null, null, null, null, null, null, processor, value
            from egiz.state where stage = $2 and processor = any ($3) and thing_id = any ($1)
            """, [.textArray(things), .text(stage.text), .textArray(processors)])
        for row in rows {
            if row.isNull(13) {
                restored.twins.append(try twin(row))
            } else {
                restored.states.append(try state(row, stage))
            }
        }
    }

    private func twin(_ row: PostgresRow) throws(EngineError) -> TwinRow {
        guard let text = row.text(0), let thing = try? ThingID(validating: text), let topology = row.text(1),
            let source = row.text(2), let partition = row.int64(3), let revision = row.int64(4),
            let topic = row.text(9),
            let inputPartition = row.int64(10), let inputOffset = row.int64(11)
        else {
            throw EngineError(
                .state, .stop,
                "table egiz.twin has a row that is not of this version's making (thing \(row.text(0) ?? "?")); correct or delete it"
            )
        }
        return TwinRow(
            snapshot: TwinSnapshot(
                thing: thing, revision: revision, timestamp: row.text(5), document: row.bytes(12),
                definition: row.text(6),
                created: row.timestamp(7).map(EventTime.init(microseconds:)),
                modified: row.timestamp(8).map(EventTime.init(microseconds:))),
            home: TaskID(
                stage: StageName(topology: topology, source: source), partition: Int32(clamping: partition)),
            position: InputPosition(topic: topic, partition: Int32(clamping: inputPartition), offset: inputOffset))
    }

    private func state(_ row: PostgresRow, _ stage: StageName) throws(EngineError) -> StateRow {
        let text = row.text(0) ?? ""
        let processor = row.text(13) ?? ""
        guard let thing = try? ThingID(validating: text), let partition = row.int64(3) else {
            throw EngineError(
                .state, .stop,
                "table egiz.state has a row of \"\(text)\", which is no thing id (processor \(processor) of stage \(stage)); delete it"
            )
        }
        let (version, bytes) = try StateFrame.decode(
            row.bytes(14) ?? [], stage: stage.text, processor: processor, thing: text)
        return StateRow(
            home: TaskID(stage: stage, partition: Int32(clamping: partition)), processor: processor, thing: thing,
            version: version, bytes: bytes)
    }

    public func timers(of task: TaskID, after: TaskTimer?, limit: Int) throws(EngineError) -> [TaskTimer] {
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select due, processor, thing_id from egiz.timer
            where stage = $1 and partition = $2 and (due, processor, thing_id) > ($3, $4, $5)
            order by due, processor, thing_id limit $6
            """,
            [
                .text(task.stage.text), .int64(Int64(task.partition)),
                .timestamp(microseconds: after?.due.microseconds ?? .min), .text(after?.processor ?? ""),
                .text(after?.thing.text ?? ""), .int64(Int64(limit)),
            ])
        var timers: [TaskTimer] = []
        for row in rows {
            guard let due = row.timestamp(0), let processor = row.text(1),
                let thing = row.text(2).flatMap({ try? ThingID(validating: $0) })
            else {
                throw EngineError(
                    .state, .stop,
                    "table egiz.timer has a row of \"\(row.text(2) ?? "?")\", which is no thing id (task \(task)); delete it"
                )
            }
            timers.append(TaskTimer(due: EventTime(microseconds: due), processor: processor, thing: thing))
        }
        return timers
    }
}
