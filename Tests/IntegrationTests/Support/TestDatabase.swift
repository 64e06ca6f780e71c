import EgizPostgres
import TestSupport

/// Fresh migrated databases on the test server, by a name of their own.
enum TestDatabase {
    static func create(_ name: String) throws -> String {
        try TestPostgres.create("egiz_\(name)", migrated: true, options: "template template0 encoding 'UTF8'")
    }

    static func drop(_ name: String) {
        try? TestPostgres.administrator().execute("drop database if exists egiz_\(name) with (force)")
    }
}
