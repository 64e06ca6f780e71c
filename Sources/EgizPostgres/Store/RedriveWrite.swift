import EgizCore

/// What an epoch did with dead letters that were to be processed again, and how far their requests have come (rule 18).
enum RedriveWrite {
    static func write(_ results: [RedriveResult], _ advances: [RedriveAdvance], _ connection: PostgresConnection)
        throws(EngineError)
    {
        try settle(results, connection)
        try fail(results, connection)
        try advance(advances, connection)
    }

    private static func settle(_ results: [RedriveResult], _ connection: PostgresConnection) throws(EngineError) {
        let gone: [Int64] = results.compactMap { result in
            switch result.outcome {
            case .resolved, .discarded: result.letter
            case .failed: nil
            }
        }
        guard !gone.isEmpty else { return }
        _ = try connection.query(
            "delete from egiz.dead_letter where dead_letter_id = any ($1)", [.int64Array(gone.sorted())])
    }

    private static func fail(_ results: [RedriveResult], _ connection: PostgresConnection) throws(EngineError) {
        var letters: [Int64] = []
        var codes: [String] = []
        var messages: [String] = []
        for result in results {
            guard case .failed(let code, let message) = result.outcome else { continue }
            letters.append(result.letter)
            codes.append(TextColumn.escapingNUL(code))
            messages.append(TextColumn.escapingNUL(message))
        }
        guard !letters.isEmpty else { return }
        _ = try connection.query(
            """
            update egiz.dead_letter set attempts = attempts + 1, code = failed.code, message = failed.message, retry_at = null
            from unnest($1, $2, $3) as failed (dead_letter_id, code, message)
            where dead_letter.dead_letter_id = failed.dead_letter_id
            """, [.int64Array(letters), .textArray(codes), .textArray(messages)])
    }

    private static func advance(_ advances: [RedriveAdvance], _ connection: PostgresConnection) throws(EngineError) {
        guard !advances.isEmpty else { return }
        _ = try connection.query(
            """
            update egiz.redrive
            set through = greatest(redrive.through, moved.through), resolved = redrive.resolved + moved.resolved,
                failed = redrive.failed + moved.failed, state = case when moved.done then 'done' else redrive.state end,
                finished_at = case when moved.done then clock_timestamp() else redrive.finished_at end
            from unnest($1, $2, $3, $4, $5) as moved (request_id, through, resolved, failed, done)
            where redrive.request_id = moved.request_id
            """,
            [
                .int64Array(advances.map(\.request)), .int64Array(advances.map(\.through)),
                .int64Array(advances.map { Int64($0.resolved) }), .int64Array(advances.map { Int64($0.failed) }),
                .boolArray(advances.map(\.isDone)),
            ])
    }
}
