import EgizCore

/// Keeps records that Kafka refuses for ever, with why (rule 12).
enum DeadOutputInsert {
    static func write(
        _ records: [(record: OutputRecord, reason: EngineError?)], of outbox: Outbox, _ connection: PostgresConnection
    ) throws(EngineError) {
        try RowBatches.each(of: records, size: { $0.record.size }) { rows throws(EngineError) in
            _ = try connection.query(
                """
                insert into egiz.dead_output (stage, partition, epoch, egiz_id, topic, key, value, headers, code, message)
                select $1, $2, $3, egiz_id, topic, key, value, headers::json, code, message
                from unnest($4, $5, $6, $7, $8, $9, $10) as new (egiz_id, topic, key, value, headers, code, message)
                on conflict do nothing
                """,
                [
                    .text(outbox.task.stage.text), .int64(Int64(outbox.task.partition)), .int64(outbox.epoch),
                    .textArray(rows.map { TextColumn.escapingNUL($0.record.id) }),
                    .textArray(rows.map { TextColumn.escapingNUL($0.record.topic) }),
                    .bytesArray(rows.map(\.record.key)), .bytesArray(rows.map(\.record.value)),
                    .textArray(rows.map { DeadLetterInsert.headers($0.record.headers) }),
                    .textArray(rows.map { $0.reason?.detail ?? $0.reason?.code.rawValue ?? "refused" }),
                    .textArray(rows.map { TextColumn.escapingNUL($0.reason?.message ?? "") }),
                ])
        }
    }
}
