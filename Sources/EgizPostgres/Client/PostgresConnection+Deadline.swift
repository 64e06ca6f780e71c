import CPQ
import EgizCore
import Glibc

/// Statements with a deadline on our side: a server that is stopped answers nothing, not even a cancel, and no timeout of its
/// own fires.
extension PostgresConnection {
    /// Runs several statements in one text, as `PQexec` does.
    func answer(to sql: String) throws(EngineError) -> OpaquePointer? {
        guard let answerDeadline else { return PQexec(connection, sql) }
        return try wait(PQsendQuery(connection, sql), answerDeadline)
    }

    /// The last result of what was just sent. Past the deadline the connection is dropped, for what it would answer next
    /// belongs to nobody; whether the statement took effect is not known then.
    ///
    /// Errors: `.postgres`/`.backoff` past the deadline.
    func wait(_ sent: Int32, _ deadline: Duration) throws(EngineError) -> OpaquePointer? {
        guard sent == 1 else { return nil }
        let end = ContinuousClock.now.advanced(by: deadline)
        var last: OpaquePointer?
        while true {
            do throws(EngineError) {
                try waitForInput(until: end, deadline)
            } catch {
                PQclear(last)
                throw error
            }
            guard let next = PQgetResult(connection) else { return last }
            PQclear(last)
            last = next
        }
    }

    private func waitForInput(until end: ContinuousClock.Instant, _ deadline: Duration) throws(EngineError) {
        while true {
            let unsent = PQflush(connection) == 1
            guard unsent || PQisBusy(connection) == 1 else { return }
            let left = ContinuousClock.now.duration(to: end).wholeMilliseconds
            guard left > 0 else {
                let place = place
                close()
                missedDeadlines += 1
                throw EngineError(
                    .postgres, .backoff,
                    "\(place) did not answer a statement within \(deadline); is the server stopped or overloaded?")
            }
            var descriptor = pollfd(
                fd: PQsocket(connection), events: Int16(POLLIN | (unsent ? POLLOUT : 0)), revents: 0)
            // Interrupted or not: what there is to read is asked for, and the clock decides.
            guard poll(&descriptor, 1, Int32(clamping: left)) > 0 else { continue }
            // Where it fails, the result that comes next says why.
            if Int32(descriptor.revents) & (POLLIN | POLLHUP | POLLERR) != 0, PQconsumeInput(connection) == 0 { return }
        }
    }
}
