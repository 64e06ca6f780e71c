import EgizCore
import EgizTwin

/// Writes the properties of scenes that an epoch changed; those of bindings that are gone are deleted.
enum SceneUpsert {
    static func write(_ scenes: [SceneRow], _ connection: PostgresConnection) throws(EngineError) {
        guard !scenes.isEmpty else { return }
        try RowBatches.each(of: scenes.filter { $0.value != nil }, size: { ($0.value?.utf8.count ?? 0) + 256 }) {
            rows throws(EngineError) in try upsert(rows, connection)
        }
        try RowBatches.each(of: scenes.filter { $0.value == nil }) { rows throws(EngineError) in
            try delete(rows, connection)
        }
    }

    private static func upsert(_ rows: ArraySlice<SceneRow>, _ connection: PostgresConnection) throws(EngineError) {
        _ = try connection.query(
            """
            insert into egiz.scene (
                stage, partition, thing_id, object_name, target, value, revision, event_time, cause_topic, cause_partition,
                cause_offset, processor)
            select stage, partition, thing_id, object_name, target, value::json, revision, event_time, cause_topic,
                cause_partition, cause_offset, processor
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as new (
                stage, partition, thing_id, object_name, target, value, revision, event_time, cause_topic, cause_partition,
                cause_offset, processor)
            on conflict (thing_id, object_name, target) do update
            set stage = excluded.stage, partition = excluded.partition, value = excluded.value,
                revision = excluded.revision, event_time = excluded.event_time, cause_topic = excluded.cause_topic,
                cause_partition = excluded.cause_partition, cause_offset = excluded.cause_offset,
                updated_at = excluded.updated_at, processor = excluded.processor
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .int64Array(rows.map { Int64($0.home.partition) }),
                .textArray(rows.map(\.thing.text)), .textArray(rows.map(\.object)), .textArray(rows.map(\.target)),
                .textArray(rows.map(\.value)), .int64Array(rows.map(\.revision)),
                .timestampArray(rows.map(\.time.microseconds)), .textArray(rows.map { $0.cause?.topic }),
                .int64Array(rows.map { row in row.cause.map { Int64($0.partition) } }),
                .int64Array(rows.map { $0.cause?.offset }), .textArray(rows.map(\.processor)),
            ])
    }

    private static func delete(_ rows: ArraySlice<SceneRow>, _ connection: PostgresConnection) throws(EngineError) {
        _ = try connection.query(
            """
            delete from egiz.scene using unnest($1, $2, $3) as gone (thing_id, object_name, target)
            where scene.thing_id = gone.thing_id and scene.object_name = gone.object_name and scene.target = gone.target
            """,
            [
                .textArray(rows.map(\.thing.text)), .textArray(rows.map(\.object)), .textArray(rows.map(\.target)),
            ])
    }
}
