import CPQ
public import EgizCore

/// One blocking connection over libpq. Confined to one thread at a time; every call blocks that thread.
///
/// A call that fails because the server went away leaves `isBroken` true; `ensureConnected` connects again. Errors have the code
/// `.postgres`, the SQLSTATE in `detail` and a retry class by its SQLSTATE; they name host and database, never the password and
/// never a row.
public final class PostgresConnection {
    let url: String
    let applicationName: String
    let settings: PostgresSettings
    var connection: OpaquePointer?
    private var statements: [Statement: String] = [:]
    private var statementNumber = 0
    private var wire = WireBuffer()
    /// How long the answer to one statement may take; nil: as long as it takes. Doubles with each deadline missed in a row, up to
    /// eight times, so that a server that is only slow gets its work done.
    var answerDeadline: Duration? { settings.answerTimeout.map { $0 * (1 << min(missedDeadlines, 3)) } }
    var missedDeadlines = 0
    /// Round trips so far, without those that prepare: what a test of costs counts.
    private(set) var roundTrips = 0

    /// Servers keep prepared statements per session; beyond this many all are dropped and prepared as they come.
    private static let mostStatements = 256

    private struct Statement: Hashable {
        var sql: String
        var types: [UInt32]
    }

    /// Connects and sets the session up. Errors: `.backoff` where the server is away, `.stop` where it refuses us (password,
    /// unknown database or role) or the URL is not valid.
    public init(url: String, applicationName: String, settings: PostgresSettings = PostgresSettings())
        throws(EngineError)
    {
        self.url = url
        self.applicationName = applicationName
        self.settings = settings
        try connect()
    }

    deinit { PQfinish(connection) }

    // MARK: State

    /// The connection is lost; everything but `reconnect` fails.
    public var isBroken: Bool { connection == nil || PQstatus(connection) != CONNECTION_OK }

    /// The server process of this session.
    public var backendPID: Int32 { PQbackendPID(connection) }

    /// For example 150020.
    public var serverVersion: Int { Int(PQserverVersion(connection)) }

    /// Inside a transaction block, failed or not.
    public var isInTransaction: Bool {
        let status = PQtransactionStatus(connection)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE
    }

    /// `host:port/database`, for messages.
    public var place: String {
        guard let connection, let database = PQdb(connection) else { return "the database" }
        let host = PQhost(connection).map { String(cString: $0) } ?? ""
        let port = PQport(connection).map { String(cString: $0) } ?? ""
        return "\(host.isEmpty ? "local" : host):\(port)/\(String(cString: database))"
    }

    public func close() {
        PQfinish(connection)
        connection = nil
        forgetStatements()
    }

    func forgetStatements() { statements.removeAll() }

    // MARK: Statements

    /// Runs one or several statements separated by semicolons; results are dropped.
    public func execute(_ sql: String) throws(EngineError) {
        roundTrips += 1
        try checked(answer(to: sql), sql)
    }

    /// Runs one statement with binary parameters and a binary answer. It is prepared the first time and reused by its text,
    /// so keep the text constant and the values in parameters.
    public func query(_ sql: String, _ parameters: [PostgresValue] = []) throws(EngineError) -> PostgresRows {
        let name = try prepare(sql, parameters)
        roundTrips += 1
        let result = try run(name, parameters)
        let status = PQresultStatus(result)
        if status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK {
            missedDeadlines = 0
            return PostgresRows(owning: result)
        }
        let error = failure(of: result, sql)
        PQclear(result)
        // The plan's columns changed, or somebody dropped the statement: prepare it anew the next time.
        if error.detail == "0A000" || error.detail == "26000" {
            statements[Statement(sql: sql, types: parameters.map(\.type))] = nil
        }
        throw error
    }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
    public func transaction<T>(_ body: (PostgresConnection) throws(EngineError) -> T) throws(EngineError) -> T {
        try execute("begin")
        let value: T
        do throws(EngineError) {
            value = try body(self)
        } catch {
            rollback()
            throw error
        }
        try commit()
        return value
    }

    /// Commits. A COMMIT of a failed transaction is answered by ROLLBACK without an error: that is an error here.
    func commit() throws(EngineError) {
        let result = try answer(to: "commit")
        let isRolledBack = PQcmdStatus(result).map { String(cString: $0) } == "ROLLBACK"
        try checked(result, "commit")
        if isRolledBack {
            throw EngineError(
                .postgres, .stop,
                "\(place) rolled back a transaction that was to be committed: an error in it was ignored")
        }
    }

    /// Ends the transaction, if there is one and the connection still stands. Never fails: what was open is lost either way.
    public func rollback() {
        guard !isBroken, isInTransaction else { return }
        if let result = try? answer(to: "rollback") { PQclear(result) }
    }

    // MARK: Inner workings

    private func prepare(_ sql: String, _ parameters: [PostgresValue]) throws(EngineError) -> String {
        let key = Statement(sql: sql, types: parameters.map(\.type))
        if let name = statements[key] { return name }
        if statements.count >= Self.mostStatements {
            try execute("deallocate all")
            forgetStatements()
        }
        statementNumber += 1
        let name = "egiz_\(statementNumber)"
        if let answerDeadline {
            let sent = PQsendPrepare(connection, name, sql, Int32(key.types.count), key.types)
            try checked(wait(sent, answerDeadline), sql)
        } else {
            try checked(PQprepare(connection, name, sql, Int32(key.types.count), key.types), sql)
        }
        statements[key] = name
        return name
    }

    private func run(_ name: String, _ parameters: [PostgresValue]) throws(EngineError) -> OpaquePointer? {
        guard let answerDeadline else {
            return send(parameters) { count, values, lengths, formats in
                PQexecPrepared(connection, name, count, values, lengths, formats, 1)
            }
        }
        let sent = send(parameters) { count, values, lengths, formats in
            PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
        }
        return try wait(sent, answerDeadline)
    }

    /// Encodes the parameters into one buffer and hands libpq pointers into it; they live until `body` returns.
    private func send<T>(
        _ parameters: [PostgresValue],
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> T
    ) -> T {
        guard !parameters.isEmpty else { return body(0, nil, nil, nil) }
        wire.removeAll()
        var offsets: [Int] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            offsets.append(wire.count)
            parameter.encode(into: &wire)
            lengths.append(Int32(clamping: wire.count - (offsets.last ?? 0)))
        }
        let base = UnsafeRawPointer(wire.base).assumingMemoryBound(to: CChar.self)
        let values = zip(parameters, offsets).map { $0.isNull ? nil : base + $1 }
        let formats = [Int32](repeating: 1, count: parameters.count)
        defer { if wire.count > 8 << 20 { wire = WireBuffer() } }
        return body(Int32(parameters.count), values, lengths, formats)
    }

    /// Throws what the result says, and frees it.
    func checked(_ result: OpaquePointer?, _ sql: String) throws(EngineError) {
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status != PGRES_COMMAND_OK, status != PGRES_TUPLES_OK, status != PGRES_EMPTY_QUERY else { return }
        throw failure(of: result, sql)
    }

    func failure(of result: OpaquePointer?, _ sql: String) -> EngineError {
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        var text = PostgresText.trimmed(PQresultErrorField(result, Int32(UInt8(ascii: "M"))))
        if text.isEmpty { text = PostgresText.firstLine(PostgresText.trimmed(PQerrorMessage(connection))) }
        if isBroken {
            return EngineError(
                .postgres, .backoff, "lost the connection to \(place): \(PostgresText.firstLine(text))", detail: state)
        }
        let verb = sql.split(maxSplits: 4, whereSeparator: { $0.isWhitespace || $0 == "(" }).prefix(4).joined(
            separator: " ")
        return EngineError(
            .postgres, EngineError.retry(forSQLState: state),
            "\(place) refused `\(verb) …`: \(PostgresText.firstLine(text))", detail: state)
    }
}
