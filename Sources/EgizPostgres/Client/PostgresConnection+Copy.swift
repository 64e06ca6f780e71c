import CPQ
public import EgizCore

extension PostgresConnection {
    /// Runs `copy … from stdin (format binary)` and lets `body` write the rows. Where `body` throws, the COPY is ended with an
    /// error and nothing of it stays.
    ///
    /// Errors of the rows (a type, a constraint) surface when the COPY ends. Returns the number of rows.
    @discardableResult
    public func copyIn(_ sql: String, _ body: (inout CopyBinary) throws(EngineError) -> Void) throws(EngineError) -> Int
    {
        let start = PQexec(connection, sql)
        guard PQresultStatus(start) == PGRES_COPY_IN else {
            let error = failure(of: start, sql)
            PQclear(start)
            throw error
        }
        PQclear(start)
        var copy = CopyBinary(connection: connection)
        do throws(EngineError) {
            try body(&copy)
            try copy.finish()
        } catch {
            // The reason stays here; the server answers the broken-off COPY with an error of its own, which is dropped.
            if !isBroken { PQputCopyEnd(connection, "given up by the client") }
            let end = endOfCopy(sql)
            // A failed send is only a symptom: what the server said is the cause.
            if error.detail == CopyBinary.sendFailed, let end { throw end }
            throw error
        }
        guard PQputCopyEnd(connection, nil) == 1 else { throw failure(of: nil, sql) }
        if let error = endOfCopy(sql) { throw error }
        return copy.rows
    }

    private func endOfCopy(_ sql: String) -> EngineError? {
        var error: EngineError?
        while let result = PQgetResult(connection) {
            let status = PQresultStatus(result)
            if status != PGRES_COMMAND_OK, error == nil { error = failure(of: result, sql) }
            PQclear(result)
            if status == PGRES_COPY_IN { break }
        }
        return error
    }
}
