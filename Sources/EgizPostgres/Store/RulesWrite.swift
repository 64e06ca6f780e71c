import EgizCore

/// Which rules are in force at the offsets of an epoch, and the messages of people that it consumed (rules 19 and 20).
enum RulesWrite {
    /// The task rows are ours and locked: the fence has moved them in this transaction.
    static func write(_ tasks: [TaskAdvance], consumed: [Int64], _ connection: PostgresConnection) throws(EngineError) {
        let moved = tasks.filter { $0.rules != nil }
        if !moved.isEmpty {
            _ = try connection.query(
                """
                update egiz.task
                set registry_version = moved.version, rules_fingerprint = moved.fingerprint, reviewed_through = moved.through
                from unnest($1, $2, $3, $4, $5) as moved (stage, partition, version, fingerprint, through)
                where task.stage = moved.stage and task.partition = moved.partition
                """,
                [
                    .textArray(moved.map(\.task.stage.text)), .int64Array(moved.map { Int64($0.task.partition) }),
                    .int64Array(moved.map { $0.rules?.version }), .int64Array(moved.map { $0.rules?.fingerprint }),
                    .textArray(moved.map { $0.rules?.reviewedThrough }),
                ])
        }
        guard !consumed.isEmpty else { return }
        _ = try connection.query("delete from egiz.inbox where message_id = any ($1)", [.int64Array(consumed)])
    }
}
