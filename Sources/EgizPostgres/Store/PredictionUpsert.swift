import EgizCore
import EgizTwin

/// Writes what models say of things, the last answer of each; the answer to an old question changes nothing (`PredictionRow.isOlder`).
enum PredictionUpsert {
    static func write(_ predictions: [PredictionRow], _ connection: PostgresConnection) throws(EngineError) {
        try RowBatches.each(
            of: predictions, size: { ($0.details?.utf8.count ?? 0) + ($0.error?.utf8.count ?? 0) + 512 }
        ) {
            rows throws(EngineError) in try upsert(rows, connection)
        }
    }

    private static func upsert(_ rows: ArraySlice<PredictionRow>, _ connection: PostgresConnection) throws(EngineError)
    {
        _ = try connection.query(
            """
            insert into egiz.ml_prediction (
                stage, partition, thing_id, task, model, shadow, model_version, score, label, details, error, revision,
                event_time, input_topic, input_partition, input_offset, output_topic, output_partition, output_offset,
                latency_ms)
            select stage, partition, thing_id, task, model, shadow, model_version, score, label, details::json,
                error::json, revision, event_time, input_topic, input_partition, input_offset, output_topic,
                output_partition, output_offset, latency_ms
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) as new (
                stage, partition, thing_id, task, model, shadow, model_version, score, label, details, error, revision,
                event_time, input_topic, input_partition, input_offset, output_topic, output_partition, output_offset,
                latency_ms)
            on conflict (thing_id, task, model, shadow) do update
            set stage = excluded.stage, partition = excluded.partition, model_version = excluded.model_version,
                score = excluded.score, label = excluded.label, details = excluded.details, error = excluded.error,
                revision = excluded.revision, event_time = excluded.event_time, input_topic = excluded.input_topic,
                input_partition = excluded.input_partition, input_offset = excluded.input_offset,
                output_topic = excluded.output_topic, output_partition = excluded.output_partition,
                output_offset = excluded.output_offset, latency_ms = excluded.latency_ms,
                updated_at = excluded.updated_at
            where not (excluded.revision < ml_prediction.revision and excluded.event_time < ml_prediction.event_time)
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .int64Array(rows.map { Int64($0.home.partition) }),
                .textArray(rows.map(\.key.thing.text)), .textArray(rows.map(\.key.task)),
                .textArray(rows.map(\.key.model)), .boolArray(rows.map(\.key.isShadow)),
                .textArray(rows.map(\.version)), .doubleArray(rows.map(\.score)), .textArray(rows.map(\.label)),
                .textArray(rows.map(\.details)), .textArray(rows.map(\.error)), .int64Array(rows.map(\.revision)),
                .timestampArray(rows.map(\.time.microseconds)), .textArray(rows.map { $0.input?.topic }),
                .int64Array(rows.map { row in row.input.map { Int64($0.partition) } }),
                .int64Array(rows.map { $0.input?.offset }), .textArray(rows.map(\.output.topic)),
                .int64Array(rows.map { Int64($0.output.partition) }), .int64Array(rows.map(\.output.offset)),
                .doubleArray(rows.map(\.latency)),
            ])
    }
}
