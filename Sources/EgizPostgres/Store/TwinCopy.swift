import EgizCore
import EgizTwin

/// Rows of very many new things, by COPY: it asks for no conflict, builds no arrays, and the server works while rows are still being
/// written. Where a row is there all the same, nothing of it stays and the other way decides.
enum TwinCopy {
    /// With fewer rows the round trips cost more than they spare.
    static let fewest = 256

    /// False, and nothing was written, where one of the things has a row. Inside of a transaction.
    static func insert(_ twins: ArraySlice<TwinRow>, _ connection: PostgresConnection) throws(EngineError) -> Bool {
        // A default that asks the clock would make the server take row by row.
        let now = try connection.query("select clock_timestamp()").first?.timestamp(0) ?? 0
        try connection.execute("savepoint copied")
        do throws(EngineError) {
            try connection.copyIn(
                """
                copy egiz.twin (thing_id, stage, partition, revision, event_timestamp, definition, created, modified, input_topic, \
                input_partition, input_offset, document, updated_at) from stdin (format binary)
                """
            ) { copy throws(EngineError) in
                for twin in twins { try write(twin, at: now, &copy) }
            }
        } catch {
            guard error.detail == "23505" else { throw error }
            try connection.execute("rollback to savepoint copied")
            return false
        }
        try connection.execute("release savepoint copied")
        return true
    }

    private static func write(_ twin: TwinRow, at now: Int64, _ copy: inout CopyBinary) throws(EngineError) {
        let snapshot = twin.snapshot
        try copy.row(columns: 13)
        copy.text(snapshot.thing.text)
        copy.text(twin.home.stage.text)
        copy.int32(twin.home.partition)
        copy.int64(snapshot.revision)
        text(snapshot.timestamp, &copy)
        text(TwinUpsert.definition(snapshot), &copy)
        time(snapshot.created, &copy)
        time(snapshot.modified, &copy)
        copy.text(twin.position.topic)
        copy.int32(twin.position.partition)
        copy.int64(twin.position.offset)
        if let document = snapshot.document { copy.bytes(document) } else { copy.null() }
        copy.timestamp(microseconds: now)
    }

    private static func text(_ text: String?, _ copy: inout CopyBinary) {
        if let text { copy.text(text) } else { copy.null() }
    }

    private static func time(_ time: EventTime?, _ copy: inout CopyBinary) {
        if let time { copy.timestamp(microseconds: time.microseconds) } else { copy.null() }
    }
}
