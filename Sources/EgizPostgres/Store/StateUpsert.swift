import EgizCore
import EgizTwin

/// Writes snapshots and deletes those of empty states. Their things' homes were checked with the twins before.
enum StateUpsert {
    static func write(_ states: [StateRow], _ connection: PostgresConnection) throws(EngineError) {
        guard !states.isEmpty else { return }
        try RowBatches.each(of: states.filter { $0.bytes != nil }, size: { $0.bytes?.count ?? 0 }) {
            rows throws(EngineError) in try upsert(rows, connection)
        }
        try RowBatches.each(of: states.filter { $0.bytes == nil }) { rows throws(EngineError) in
            try delete(rows, connection)
        }
    }

    private static func upsert(_ rows: ArraySlice<StateRow>, _ connection: PostgresConnection) throws(EngineError) {
        let written = try connection.query(
            """
            insert into egiz.state as state (stage, processor, thing_id, partition, value)
            select * from unnest($1, $2, $3, $4, $5)
            on conflict (stage, processor, thing_id) do update
            set value = excluded.value, updated_at = excluded.updated_at
            where state.partition = excluded.partition
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .textArray(rows.map(\.processor)),
                .textArray(rows.map(\.thing.text)), .int64Array(rows.map { Int64($0.home.partition) }),
                .bytesArray(rows.map { row in row.bytes.map { StateFrame.encode($0, version: row.version) } }),
            ])
        guard written.affected == rows.count else { throw misplaced(rows, connection) }
    }

    private static func delete(_ rows: ArraySlice<StateRow>, _ connection: PostgresConnection) throws(EngineError) {
        _ = try connection.query(
            """
            delete from egiz.state using unnest($1, $2, $3, $4) as gone (stage, processor, thing_id, partition)
            where state.stage = gone.stage and state.processor = gone.processor and state.thing_id = gone.thing_id
                and state.partition = gone.partition
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .textArray(rows.map(\.processor)),
                .textArray(rows.map(\.thing.text)), .int64Array(rows.map { Int64($0.home.partition) }),
            ])
    }

    /// A thing has one place (rule 13), and its twin is there: only a hand in the database can bring this about.
    private static func misplaced(_ rows: ArraySlice<StateRow>, _ connection: PostgresConnection) -> EngineError {
        let found = try? connection.query(
            """
            select mine.thing_id, mine.processor, state.partition, mine.stage, mine.partition
            from unnest($1, $2, $3, $4) as mine (stage, processor, thing_id, partition)
            join egiz.state using (stage, processor, thing_id)
            where state.partition <> mine.partition limit 1
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .textArray(rows.map(\.processor)),
                .textArray(rows.map(\.thing.text)), .int64Array(rows.map { Int64($0.home.partition) }),
            ])
        let row = found?.first
        return EngineError(
            .state, .stop,
            "the state of \(row?.text(0) ?? "a thing") in processor \(row?.text(1) ?? "?") lies in partition \(row?.int64(2) ?? -1) of stage \(row?.text(3) ?? "?"), its thing in \(row?.int64(4) ?? -1): somebody changed egiz.state or egiz.twin by hand"
        )
    }
}
