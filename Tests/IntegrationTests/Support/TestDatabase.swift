import EgizPostgres
import TestSupport

/// Fresh databases on the test server, by a name of their own.
enum TestDatabase {
    static func create(_ name: String) throws -> String {
        try TestPostgres.administrator().execute("create database egiz_\(name) template template0 encoding 'UTF8'")
        return try TestPostgres.url(database: "egiz_\(name)")
    }

    static func drop(_ name: String) {
        try? TestPostgres.administrator().execute("drop database if exists egiz_\(name) with (force)")
    }
}
