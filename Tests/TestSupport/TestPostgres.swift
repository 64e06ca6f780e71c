public import EgizPostgres
import Foundation
import Logging

/// The server the tests use: the one of EGIZ_DATABASE_URL, else one private cluster a process, removed at its end.
public enum TestPostgres {
    private final class Server: Sendable {
        let directory: String
        let postgres: PrivatePostgres

        init() throws {
            directory = "/tmp/egiz-test-postgres-\(ProcessInfo.processInfo.processIdentifier)"
            var quiet = Logger(label: "test")
            quiet.logLevel = .critical
            postgres = try PrivatePostgres(dataDirectory: directory + "/data", durable: false, logger: quiet)
            try postgres.start()
        }
    }

    private static let server: Result<Server, any Error> = Result {
        let server = try Server()
        atexit {
            guard case .success(let server) = TestPostgres.server else { return }
            server.postgres.stop()
            try? FileManager.default.removeItem(atPath: server.directory)
        }
        return server
    }

    private static var given: String? {
        guard let url = ProcessInfo.processInfo.environment["EGIZ_DATABASE_URL"], !url.isEmpty else { return nil }
        return url
    }

    /// The URL of a database of the test server.
    public static func url(database: String) throws -> String {
        if let given {
            var parts = URLComponents(string: given)
            parts?.path = "/" + database
            return parts?.string ?? given
        }
        return try server.get().postgres.url(database: database)
    }

    /// Migrated once a process, on the server of our own; what is copied from it is there in a fraction of the time.
    private static let template: Result<String, any Error> = Result {
        let name = "egiz_test_template"
        try administrator().execute("create database \(name)")
        let connection = try PostgresConnection(url: url(database: name), applicationName: "egiz-test-template")
        _ = try Migrator(connection).migrate()
        // Nobody may be connected to what is copied.
        connection.close()
        return name
    }

    /// Makes a database and gives its URL; the caller drops it. One to be migrated is a copy on the server of our own, where the
    /// migrator only does what belongs to a database itself; any other is made with the `options` of `create database`.
    public static func create(_ name: String, migrated: Bool, options: String = "") throws -> String {
        let source = migrated && given == nil ? "template \(try template.get())" : options
        try administrator().execute("create database \(name) \(source)")
        let url = try url(database: name)
        if migrated {
            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            defer { connection.close() }
            _ = try Migrator(connection).migrate()
        }
        return url
    }

    /// Where databases are created from.
    public static func administrator() throws -> PostgresConnection {
        if let given {
            return try PostgresConnection(url: given, applicationName: "egiz-test-admin")
        }
        return try PostgresConnection(url: url(database: "postgres"), applicationName: "egiz-test-admin")
    }

    /// TimescaleDB can be installed on the test server: never on Debian's own, where the tests that need it are skipped.
    public static let hasTimescale: Bool = {
        let rows = try? administrator().query("select from pg_available_extensions where name = 'timescaledb'")
        return rows?.isEmpty == false
    }()
}
