import EgizPostgres
import Foundation
import Logging

/// Fresh databases on one private cluster a test process, or on the server that `EGIZ_DATABASE_URL` names.
enum TestDatabase {
    private static let server: Result<String, any Error> = Result {
        if let named = ProcessInfo.processInfo.environment["EGIZ_DATABASE_URL"], !named.isEmpty { return named }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-test-pg-\(getpid())")
        var logger = Logger(label: "test-postgres")
        logger.logLevel = .warning
        let postgres = try PrivatePostgres(dataDirectory: folder.path, durable: false, logger: logger)
        try postgres.start()
        keep = postgres
        atexit { TestDatabase.stop() }
        return postgres.url
    }
    // Written once inside the lazy initializer above, read at exit.
    nonisolated(unsafe) private static var keep: PrivatePostgres?

    static func create(_ name: String) throws -> String {
        let url = try server.get()
        let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
        try connection.execute("create database egiz_\(name) template template0 encoding 'UTF8'")
        guard var parts = URLComponents(string: url) else { return url }
        parts.path = "/egiz_\(name)"
        return parts.string ?? url
    }

    static func drop(_ name: String) {
        guard let url = try? server.get(),
            let connection = try? PostgresConnection(url: url, applicationName: "egiz-test")
        else { return }
        try? connection.execute("drop database if exists egiz_\(name) with (force)")
    }

    private static func stop() {
        keep?.stop()
        if let keep { try? FileManager.default.removeItem(atPath: keep.directory) }
    }
}
