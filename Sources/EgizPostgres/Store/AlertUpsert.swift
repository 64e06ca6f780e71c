import EgizCore
import EgizTwin

/// Writes alerts as an epoch leaves them.
enum AlertUpsert {
    static func write(_ alerts: [AlertRow], _ connection: PostgresConnection) throws(EngineError) {
        try RowBatches.each(of: alerts, size: { $0.message.utf8.count + 512 }) { rows throws(EngineError) in
            try upsert(rows, connection)
        }
    }

    private static func upsert(_ rows: ArraySlice<AlertRow>, _ connection: PostgresConnection) throws(EngineError) {
        _ = try connection.query(
            """
            insert into egiz.alert (
                stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at,
                acknowledged_at, acknowledged_by, cleared_at, revision, cause_topic, cause_partition, cause_offset)
            select * from unnest(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
            on conflict (thing_id, alert_key, raised_at, processor) do update
            set stage = excluded.stage, partition = excluded.partition, rule = excluded.rule,
                severity = excluded.severity, state = excluded.state, message = excluded.message,
                updated_at = excluded.updated_at, acknowledged_at = excluded.acknowledged_at,
                acknowledged_by = excluded.acknowledged_by, cleared_at = excluded.cleared_at,
                revision = excluded.revision, cause_topic = excluded.cause_topic,
                cause_partition = excluded.cause_partition, cause_offset = excluded.cause_offset
            """,
            [
                .textArray(rows.stageTexts(\.home.stage)), .int64Array(rows.map { Int64($0.home.partition) }),
                .textArray(rows.map(\.processor)), .textArray(rows.map(\.thing.text)),
                .textArray(rows.map { TextColumn.escapingNUL($0.key) }), .textArray(rows.map(\.rule)),
                .textArray(rows.map(\.severity.name)), .textArray(rows.map(\.state.rawValue)),
                .textArray(rows.map { TextColumn.escapingNUL($0.message) }),
                .timestampArray(rows.map(\.raisedAt.microseconds)), .timestampArray(rows.map(\.updatedAt.microseconds)),
                .timestampArray(rows.map { $0.acknowledgedAt?.microseconds }), .textArray(rows.map(\.acknowledgedBy)),
                .timestampArray(rows.map { $0.clearedAt?.microseconds }), .int64Array(rows.map(\.revision)),
                .textArray(rows.map { $0.cause?.topic }),
                .int64Array(rows.map { row in row.cause.map { Int64($0.partition) } }),
                .int64Array(rows.map { $0.cause?.offset }),
            ])
    }
}
