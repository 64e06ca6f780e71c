import EgizCore
import EgizTwin

/// Writes twin rows where their home allows it (rule 14).
enum TwinUpsert {
    /// Bounds one statement: its parameters are held in memory on both sides.
    private static let mostRows = 2000
    private static let mostBytes = 8 << 20

    /// False where a row belongs to another stage or partition; the transaction must then be rolled back.
    ///
    /// Goes by the order of the rows (rule 1); `fewestToCopy` new ones in a row are written by COPY.
    static func write(
        _ twins: [TwinRow], fewestToCopy: Int = TwinCopy.fewest, _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        var start = 0
        var mayCopy = true
        while start < twins.count {
            if mayCopy, let new = newOnes(of: twins, from: start, atLeast: fewestToCopy) {
                if try TwinCopy.insert(twins[start..<new], connection) {
                    start = new
                    continue
                }
                // Some are there after all: what was done in vain once is not tried again.
                mayCopy = false
            }
            var end = start
            var bytes = 0
            while end < twins.count, end - start < mostRows, bytes < mostBytes {
                bytes += twins[end].snapshot.document?.count ?? 0
                end += 1
            }
            guard try upsert(twins[start..<end], connection) == end - start else { return false }
            start = end
        }
        return true
    }

    /// The end of the new things from `start` on; nil where they are fewer.
    private static func newOnes(of twins: [TwinRow], from start: Int, atLeast fewest: Int) -> Int? {
        let end = twins[start...].firstIndex { !$0.isNew } ?? twins.count
        return end - start >= max(1, fewest) ? end : nil
    }

    private static func upsert(_ twins: ArraySlice<TwinRow>, _ connection: PostgresConnection) throws(EngineError)
        -> Int
    {
        try connection.query(
            """
            insert into egiz.twin as twin (
                thing_id, stage, partition, revision, event_timestamp, definition, created, modified,
                input_topic, input_partition, input_offset, document, updated_at)
            select thing_id, stage, partition, revision, event_timestamp, definition, created, modified,
                input_topic, input_partition, input_offset, convert_from(document, 'UTF8')::json, clock_timestamp()
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as new (
                thing_id, stage, partition, revision, event_timestamp, definition, created, modified,
                input_topic, input_partition, input_offset, document)
            on conflict (thing_id) do update
            set revision = excluded.revision, event_timestamp = excluded.event_timestamp, definition = excluded.definition,
                created = excluded.created, modified = excluded.modified, input_topic = excluded.input_topic,
                input_partition = excluded.input_partition, input_offset = excluded.input_offset,
                document = excluded.document, updated_at = excluded.updated_at
            where twin.stage = excluded.stage and twin.partition = excluded.partition
            """,
            [
                .textArray(twins.map(\.snapshot.thing.text)), .textArray(twins.stageTexts(\.home.stage)),
                .int64Array(twins.map { Int64($0.home.partition) }), .int64Array(twins.map(\.snapshot.revision)),
                .textArray(twins.map(\.snapshot.timestamp)), .textArray(twins.map { definition($0.snapshot) }),
                .timestampArray(twins.map { $0.snapshot.created?.microseconds }),
                .timestampArray(twins.map { $0.snapshot.modified?.microseconds }),
                .textArray(twins.map(\.position.topic)), .int64Array(twins.map { Int64($0.position.partition) }),
                .int64Array(twins.map(\.position.offset)), .bytesArray(twins.map(\.snapshot.document)),
            ]
        ).affected
    }

    // A column for filtering only; the document has the exact value. Cut where it would not fit an index entry beside the id.
    static func definition(_ snapshot: TwinSnapshot) -> String? {
        snapshot.definition.map { TextColumn.escapingNUL(TextColumn.cut($0, toBytes: 1024)) }
    }

    /// The things among these rows that live elsewhere.
    static func foreign(_ twins: [TwinRow], _ connection: PostgresConnection) throws(EngineError) -> [ThingID] {
        let rows = try connection.query(
            """
            select mine.place
            from unnest($1, $2, $3) with ordinality as mine (thing_id, stage, partition, place)
            join egiz.twin on twin.thing_id = mine.thing_id
            where (twin.stage, twin.partition) is distinct from (mine.stage, mine.partition)
            order by mine.place
            """,
            [
                .textArray(twins.map(\.snapshot.thing.text)), .textArray(twins.stageTexts(\.home.stage)),
                .int64Array(twins.map { Int64($0.home.partition) }),
            ])
        return rows.compactMap { row in row.int64(0).map { twins[Int($0) - 1].snapshot.thing } }
    }
}
