import EgizCore
import EgizTwin

/// Writes windows as an epoch leaves them.
enum RollupUpsert {
    static func write(_ rollups: [RollupRow], _ connection: PostgresConnection) throws(EngineError) {
        try RowBatches.each(of: rollups, size: { $0.path.utf8.count + 128 }) { rows throws(EngineError) in
            try upsert(rows, connection)
        }
    }

    private static func upsert(_ rows: ArraySlice<RollupRow>, _ connection: PostgresConnection) throws(EngineError) {
        _ = try connection.query(
            """
            insert into egiz.rollup (
                stage, partition, processor, thing_id, path, bucket_start, bucket_end, n, minimum, maximum, total, first, last,
                first_time, last_time, final)
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            on conflict (thing_id, path, processor, stage, bucket_start) do update
            set partition = excluded.partition, bucket_end = excluded.bucket_end, n = excluded.n,
                minimum = excluded.minimum, maximum = excluded.maximum, total = excluded.total, first = excluded.first,
                last = excluded.last, first_time = excluded.first_time, last_time = excluded.last_time,
                final = excluded.final, updated_at = excluded.updated_at
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .int64Array(rows.map { Int64($0.home.partition) }),
                .textArray(rows.map(\.processor)), .textArray(rows.map(\.thing.text)), .textArray(rows.map(\.path)),
                .timestampArray(rows.map(\.start.microseconds)), .timestampArray(rows.map(\.end.microseconds)),
                .int64Array(rows.map(\.aggregate.count)), .doubleArray(rows.map(\.aggregate.min)),
                .doubleArray(rows.map(\.aggregate.max)), .doubleArray(rows.map(\.aggregate.sum)),
                .doubleArray(rows.map(\.aggregate.first)), .doubleArray(rows.map(\.aggregate.last)),
                .timestampArray(rows.map(\.aggregate.firstTime.microseconds)),
                .timestampArray(rows.map(\.aggregate.lastTime.microseconds)), .boolArray(rows.map(\.isFinal)),
            ])
    }
}
