import EgizCore

/// Ends what stages left that a topology no longer has, or that is deleted itself: no task is left that could. What they remembered of
/// it is forgotten, so that a stage that comes back looks at all its things anew; twins, history and positions stay.
enum StageEnd {
    /// Inside a transaction of the caller.
    ///
    /// - Parameter present: the stages that the topology has.
    static func end(_ topology: String, except present: [StageName], _ connection: PostgresConnection)
        throws(EngineError)
    {
        // Tasks first, in the order of commits: a worker that has not heard of it yet ends its epoch, or finds it done.
        let gone = Set(
            try connection.query(
                """
                select stage from egiz.task
                where stage in (select stage from egiz.stage where topology = $1 and stage <> all ($2))
                order by stage, partition for update
                """, [.text(topology), .textArray(present.map(\.text))]
            ).compactMap { $0.text(0) }
        ).sorted()
        guard !gone.isEmpty else { return }
        _ = try connection.query(
            """
            with unset as (
                delete from egiz.scene where stage = any ($1) returning stage, thing_id, processor
            ), ended as (
                update egiz.alert
                set state = 'cleared', cleared_at = greatest(alert.updated_at, task.stream_time),
                    updated_at = greatest(alert.updated_at, task.stream_time)
                from egiz.task
                where task.stage = alert.stage and task.partition = alert.partition and alert.stage = any ($1)
                    and alert.cleared_at is null
                returning alert.stage, alert.thing_id, alert.processor
            ), gone as (
                select * from unset union select * from ended
            ), forgotten as (
                delete from egiz.state using gone
                where state.stage = gone.stage and state.processor = gone.processor and state.thing_id = gone.thing_id
            ), unheard as (
                delete from egiz.inbox where stage = any ($1)
            )
            update egiz.task set registry_version = null, rules_fingerprint = null, reviewed_through = null
            where stage in (select stage from gone)
            """, [.textArray(gone)])
    }
}
