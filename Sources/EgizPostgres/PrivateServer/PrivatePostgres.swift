public import EgizCore
import Foundation
import Glibc
public import Logging

/// A Postgres server of our own, for `egiz up` and for tests: made when it is first started, bound to 127.0.0.1, with a generated
/// password in a file only we can read. Outlives our sudden death and is taken over by the next start.
///
/// Unchecked: `lock` guards the address; starting and stopping are serialised by the caller's lock on the data directory.
public final class PrivatePostgres: @unchecked Sendable {
    /// Where the data is: the folder that was asked for, or one below /var/lib/egiz where user `postgres` cannot reach that.
    public let directory: String
    let account: ServerAccount
    let binaries: PostgresBinaries
    let logger: Logger
    private let requestedPort: UInt16?
    private let isDurable: Bool
    private let passwordFile: String
    private let lock = NSLock()
    private var password = ""
    private var port: UInt16 = 0

    static let role = "egiz"
    static let database = "egiz"

    /// Chooses programs, user and folder; starts nothing yet. Without a `port` the one of the last start is used where it is free.
    /// `durable: false` turns `fsync` off: for tests alone, a crash of the machine destroys the data.
    ///
    /// Without a `logger` it is silent. Errors: `.config`/`.stop` where no server is installed.
    public init(
        dataDirectory: String, port: UInt16? = nil, durable: Bool = true, logger: Logger? = nil
    ) throws(EngineError) {
        let wanted = URL(fileURLWithPath: dataDirectory).standardizedFileURL.path
        account = try ServerAccount.choose()
        directory = account.canReach(wanted) ? wanted : "/var/lib/egiz/\(Self.shortHash(wanted))"
        let version = try? String(contentsOfFile: directory + "/PG_VERSION", encoding: .utf8)
        binaries = try PostgresBinaries.find(version: version?.trimmingCharacters(in: .whitespacesAndNewlines))
        passwordFile = wanted + ".password"
        requestedPort = port
        isDurable = durable
        let logger = logger ?? Logger(label: "egiz.postgres") { _ in SwiftLogNoOpLogHandler() }
        self.logger = logger
        if directory != wanted {
            logger.notice(
                "private database lies elsewhere, because user postgres cannot reach the data directory",
                metadata: ["egiz.directory": "\(directory)", "egiz.wanted": "\(wanted)"])
        }
    }

    /// The connection URL of database `egiz`, password included. - Precondition: `start` has returned.
    public var url: String { url(database: Self.database) }

    /// The URL of another database of this server.
    public func url(database: String) -> String {
        lock.lock()
        defer { lock.unlock() }
        return "postgres://\(Self.role):\(password)@127.0.0.1:\(port)/\(database)"
    }

    /// Makes the cluster where there is none, starts the server or takes over one that is still running, and waits until it
    /// answers. Errors: `.config`/`.stop` with the server's own words.
    public func start() throws(EngineError) {
        let secret = try readPassword()
        try createCluster(password: secret)
        if let running = runningPort(), adopt(running, secret) {
            logger.notice("private database was still running and is used again", metadata: ["egiz.port": "\(running)"])
        } else {
            // Not answering, or not with our password: whatever runs there ends first.
            if isRunning { stop() }
            try launch(secret)
        }
        try createDatabase()
    }

    /// Stops the server: waits up to 4 s for sessions to end, then cuts them off. Does nothing where none runs.
    public func stop() {
        guard isRunning else { return }
        let fast = try? control(["stop", "-m", "fast", "-w", "-t", "4"])
        guard fast?.status != 0 else { return }
        _ = try? control(["stop", "-m", "immediate", "-w", "-t", "2"])
    }

    // MARK: Starting

    private func launch(_ secret: String) throws(EngineError) {
        var failure = ""
        var candidate = requestedPort ?? lastPort
        // The chosen port may be taken before the server binds it, and shared memory of a killed server goes only with its last
        // process: some attempts are part of the normal way.
        for _ in 1...10 {
            let port: UInt16
            if let candidate, FreePort.isFree(candidate) { port = candidate } else { port = try portOfOurOwn() }
            try PrivatePostgresFiles.writeSettings(directory, port: port, isDurable: isDurable, account: account)
            let answer = try control(["start", "-w", "-t", "60", "-l", "\(directory)/server.log"])
            if answer.status == 0, adopt(port, secret) { return }
            failure = answer.output + "\n" + PrivatePostgresFiles.endOfLog(directory)
            if answer.status == 0 { stop() }
            candidate = nil
            usleep(200_000)
        }
        throw EngineError(
            .config, .stop,
            "the private Postgres in \(directory) does not start: \(failure.trimmingCharacters(in: .whitespacesAndNewlines))"
        )
    }

    private func portOfOurOwn() throws(EngineError) -> UInt16 {
        if let requestedPort {
            throw EngineError(
                .config, .stop, "port \(requestedPort) is in use; choose another one for the private Postgres")
        }
        return try FreePort.find()
    }

    /// True where a server answers there with our password and our data folder; it is ours from now on.
    private func adopt(_ port: UInt16, _ secret: String) -> Bool {
        lock.lock()
        self.port = port
        password = secret
        lock.unlock()
        guard let connection = try? PostgresConnection(url: url(database: "postgres"), applicationName: "egiz-private"),
            let rows = try? connection.query("select current_setting('data_directory')")
        else { return false }
        return rows.first?.text(0) == directory
    }

    private func createDatabase() throws(EngineError) {
        let connection = try PostgresConnection(url: url(database: "postgres"), applicationName: "egiz-private")
        let rows = try connection.query("select from pg_database where datname = $1", [.text(Self.database)])
        if rows.isEmpty { try connection.execute("create database \(Self.database)") }
    }

    // MARK: Cluster

    /// initdb into a folder beside, then a rename: a start that was killed half way leaves nothing that looks like a cluster.
    private func createCluster(password: String) throws(EngineError) {
        guard !FileManager.default.fileExists(atPath: directory + "/PG_VERSION") else { return }
        let fresh = directory + ".new"
        try? FileManager.default.removeItem(atPath: fresh)
        try PrivatePostgresFiles.createFolder(fresh, account: account)
        let secret = directory + ".initdb"
        try PrivatePostgresFiles.write(password + "\n", to: secret, account: account)
        defer { unlink(secret) }
        var answer = Subprocess.Outcome(status: -1, output: "")
        // C.UTF-8 comes with every Debian; C is the same order of bytes.
        for locale in ["C.UTF-8", "C"] {
            answer = try Subprocess.run(
                account.command(
                    [
                        binaries.path("initdb"), "-D", fresh, "-U", Self.role, "--pwfile=\(secret)",
                        "--auth=scram-sha-256",
                        "--encoding=UTF8", "--locale=\(locale)", "--no-instructions",
                    ] + (isDurable ? [] : ["--no-sync"])))
            if answer.status == 0 { break }
        }
        guard answer.status == 0 else {
            throw EngineError(.config, .stop, "initdb in \(directory) failed: \(answer.output)")
        }
        try PrivatePostgresFiles.include(fresh)
        rmdir(directory)  // an empty folder, as somebody may have made it; one with content stays and stops us
        guard rename(fresh, directory) == 0 else {
            throw EngineError(
                .config, .stop, "cannot create the database in \(directory): \(String(cString: strerror(errno)))")
        }
        logger.info("private database created", metadata: ["egiz.directory": "\(directory)"])
    }

    private func readPassword() throws(EngineError) -> String {
        if let text = try? String(contentsOfFile: passwordFile, encoding: .utf8) {
            let password = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if !password.isEmpty { return password }
        }
        guard !FileManager.default.fileExists(atPath: directory + "/PG_VERSION") else {
            throw EngineError(
                .config, .stop,
                "the password of the private database is missing: restore \(passwordFile), or remove \(directory) to begin anew"
            )
        }
        var random = SystemRandomNumberGenerator()
        let password = (0..<4).map { _ in String(random.next() as UInt64, radix: 36) }.joined()
        try PrivatePostgresFiles.createParent(of: passwordFile)
        try PrivatePostgresFiles.write(password + "\n", to: passwordFile, account: nil)
        return password
    }

    // MARK: pg_ctl

    private func control(_ arguments: [String]) throws(EngineError) -> Subprocess.Outcome {
        try Subprocess.run(account.command([binaries.path("pg_ctl"), "-D", directory] + arguments))
    }

    /// A server process of this data folder lives; one that died with kill -9 leaves only its file.
    private var isRunning: Bool { (try? control(["status"]))?.status == 0 }

    private func runningPort() -> UInt16? { isRunning ? lastPort : nil }

    private var lastPort: UInt16? { PrivatePostgresFiles.port(directory) }

    private static func shortHash(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36)
    }
}
