import EgizCore
import EgizTwin

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

    /// Ends what processors left that the topology no longer has.
    static func sweep(_ sweeps: [RulesSweep], _ connection: PostgresConnection) throws(EngineError) {
        for sweep in sweeps where !sweep.things.isEmpty {
            _ = try connection.query(
                """
                with unset as (
                    delete from egiz.scene
                    where stage = $1 and thing_id = any ($2) and processor <> all ($3)
                    returning thing_id, processor
                ), ended as (
                    update egiz.alert set state = 'cleared', cleared_at = $4, updated_at = $4
                    where stage = $1 and thing_id = any ($2) and processor <> all ($3) and cleared_at is null
                    returning thing_id, processor
                )
                delete from egiz.state using (select * from unset union select * from ended) gone
                where state.stage = $1 and state.processor = gone.processor and state.thing_id = gone.thing_id
                """,
                [
                    .text(sweep.task.stage.text), .textArray(sweep.things.map(\.text)), .textArray(sweep.processors),
                    .timestamp(microseconds: sweep.time.microseconds),
                ])
        }
    }
}
