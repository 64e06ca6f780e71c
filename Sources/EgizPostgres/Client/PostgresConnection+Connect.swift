import CPQ
public import EgizCore
import Glibc

extension PostgresConnection {
    /// Connects again where the connection is lost, also where the server closed it while nobody looked. Prepared statements,
    /// temporary tables and session state are gone then. True when it had to.
    @discardableResult
    public func ensureConnected() throws(EngineError) -> Bool {
        if !isBroken, !hasBeenClosedByServer { return false }
        try reconnect()
        return true
    }

    /// Drops the connection and opens a new one with the same settings.
    public func reconnect() throws(EngineError) {
        close()
        try connect()
    }

    func connect() throws(EngineError) {
        let attempt = try startConnecting()
        do throws(EngineError) {
            try finishConnecting(attempt)
        } catch {
            PQfinish(attempt)
            throw error
        }
        connection = attempt
        // libpq prints notices to standard error otherwise.
        _ = PQsetNoticeReceiver(attempt, { _, _ in }, nil)
        _ = PQsetErrorVerbosity(attempt, PQERRORS_DEFAULT)
        // So that sending a large statement to a server that reads nothing cannot block either.
        if settings.answerTimeout != nil { PQsetnonblocking(attempt, 1) }
        do throws(EngineError) {
            try execute(settings.sessionSQL)
        } catch {
            close()
            throw error
        }
    }

    // An idle session has nothing to read: something readable is the server's farewell or the end of the stream.
    private var hasBeenClosedByServer: Bool {
        guard !isInTransaction else { return false }
        // The farewell comes first, the end of the stream with the next read; a setting reported on the fly leaves nothing behind.
        for _ in 0..<8 {
            var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 0) > 0 else { return false }
            if PQconsumeInput(connection) == 0 || PQstatus(connection) != CONNECTION_OK { return true }
        }
        return false
    }

    private func startConnecting() throws(EngineError) -> OpaquePointer {
        try checkURL()
        // In order: what stands behind `dbname` wins over the URL, what stands before it is a default.
        let keywords = [
            "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
            "tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding",
        ]
        let values = [
            String(max(2, settings.connectTimeout.wholeMilliseconds / 1000)), "1", "10", "5", "3",
            String(settings.deadPeerTimeout.wholeMilliseconds), applicationName, url, "UTF8",
        ]
        let attempt = withCStrings(keywords) { keywords in
            withCStrings(values) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let attempt else { throw EngineError(.postgres, .backoff, "no memory for a connection to Postgres") }
        // So that a refusal carries its SQLSTATE, whatever language the server speaks.
        _ = PQsetErrorVerbosity(attempt, PQERRORS_VERBOSE)
        return attempt
    }

    private func finishConnecting(_ attempt: OpaquePointer) throws(EngineError) {
        let deadline = ContinuousClock.now.advanced(by: settings.connectTimeout)
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED, PQstatus(attempt) != CONNECTION_BAD else { throw refusal(attempt) }
            let left = ContinuousClock.now.duration(to: deadline).wholeMilliseconds
            guard left > 0 else {
                throw EngineError(
                    .postgres, .backoff,
                    "\(place(of: attempt)) did not answer within \(settings.connectTimeout); is the server up and reachable?"
                )
            }
            var descriptor = pollfd(
                fd: PQsocket(attempt), events: Int16(next == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            if poll(&descriptor, 1, Int32(clamping: left)) > 0 { next = PQconnectPoll(attempt) }
        }
    }

    private func refusal(_ attempt: OpaquePointer) -> EngineError {
        let (state, text) = PostgresText.sqlState(inVerbose: PostgresText.trimmed(PQerrorMessage(attempt)))
        let place = place(of: attempt)
        guard let state else {
            return EngineError(
                .postgres, .backoff, "cannot connect to \(place): \(PostgresText.firstLine(redacted(text)))")
        }
        let retry = EngineError.retry(forSQLState: state)
        let hint = retry == .stop ? "; check EGIZ_DATABASE_URL" : ""
        return EngineError(
            .postgres, retry, "\(place) refused the connection: \(PostgresText.firstLine(redacted(text)))\(hint)",
            detail: state)
    }

    /// Before anything connects: libpq quotes the whole URL, password included, where it cannot read it.
    private func checkURL() throws(EngineError) {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(url, &message)
        defer { PQconninfoFree(options) }
        if let options { return try checkPorts(options) }
        let reason = redacted(PostgresText.trimmed(message))
        PQfreemem(message)
        throw invalidURL(reason)
    }

    // libpq looks at the port only when it connects, and then it is told from a server that is away by its words alone.
    private func checkPorts(_ options: UnsafeMutablePointer<PQconninfoOption>) throws(EngineError) {
        var option = options
        while let keyword = option.pointee.keyword {
            defer { option += 1 }
            guard String(cString: keyword) == "port", let value = option.pointee.val else { continue }
            for port in String(cString: value).split(separator: ",") where UInt16(port) ?? 0 == 0 {
                throw invalidURL("the port \"\(port)\" is no number from 1 to 65535")
            }
        }
    }

    private func invalidURL(_ reason: String) -> EngineError {
        EngineError(
            .config, .stop,
            "the database URL is not valid: \(reason); expected postgres://user:password@host:5432/database")
    }

    private func redacted(_ text: String) -> String {
        var text = text
        while let range = text.firstRange(of: url), !url.isEmpty { text.replaceSubrange(range, with: "…") }
        // A piece of the URL up to the '@' may be quoted alone.
        if let at = text.lastIndex(of: "@"), let scheme = text.firstRange(of: "://"), scheme.upperBound < at {
            text.replaceSubrange(scheme.upperBound..<at, with: "…")
        }
        return text
    }

    private func place(of attempt: OpaquePointer) -> String {
        let host = PQhost(attempt).map { String(cString: $0) } ?? ""
        let port = PQport(attempt).map { String(cString: $0) } ?? ""
        let database = PQdb(attempt).map { String(cString: $0) } ?? ""
        return "\(host.isEmpty ? "local" : host):\(port)/\(database)"
    }

    private func withCStrings<T>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> T) -> T {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let pointers = copies.map { $0.map { UnsafePointer<CChar>($0) } } + [nil]
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array of one element has an address") }
            return body(base)
        }
    }
}
