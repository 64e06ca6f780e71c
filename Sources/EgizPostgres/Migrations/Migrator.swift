public import EgizCore

/// Brings a database to the schema of this binary. Several may run at once: an advisory lock lets one of them work.
public struct Migrator {
    /// How the schema of a database stands.
    public struct Status: Sendable, Equatable {
        /// Titles of what is applied, in order.
        public var applied: [String]
        /// Titles of what this binary would apply.
        public var pending: [String]
        /// The database has migrations that this binary does not know.
        public var isNewer: Bool
        /// Nothing to do, nothing unknown.
        public var isCurrent: Bool { pending.isEmpty && !isNewer }
    }

    private struct Applied {
        var version: Int64
        var name: String
        var checksum: String
    }

    /// "egiz" in ASCII: the key of the advisory lock of everything that changes tables.
    static let lockKey: Int64 = 0x6567_697A

    private let connection: PostgresConnection
    private let migrations: [Migration]
    private let reader: String

    public init(_ connection: PostgresConnection) { self.init(connection, migrations: Migration.all) }

    init(_ connection: PostgresConnection, migrations: [Migration], reader: String = ReaderRole.name) {
        self.connection = connection
        self.migrations = migrations
        self.reader = reader
    }

    /// Applies what is missing, each migration in a transaction of its own; the titles of those it applied.
    ///
    /// Errors: `.postgres`/`.stop` where the database is newer than this binary, was changed behind our back, or is not in UTF-8.
    @discardableResult
    public func migrate() throws(EngineError) -> [String] {
        try checkEncoding()
        try connection.execute("select pg_advisory_lock(\(Self.lockKey))")
        defer { if !connection.isBroken { try? connection.execute("select pg_advisory_unlock(\(Self.lockKey))") } }
        try createLedger()
        let applied = try readLedger()
        let pending = try check(applied)
        for migration in pending { try apply(migration) }
        makeReachable()
        // Where we may not, whoever owns the tables gives these rights.
        try? ReaderRole.grant(to: reader, connection)
        return pending.map(\.title)
    }

    /// What `migrate` would do; changes nothing.
    public func status() throws(EngineError) -> Status {
        let rows = try connection.query("select to_regclass('egiz.schema_migration') is not null")
        let applied = rows.first?.bool(0) == true ? try readLedger() : []
        let known = Set(migrations.map(\.version))
        let done = Set(applied.map(\.version))
        return Status(
            applied: applied.map { Migration(version: $0.version, name: $0.name, sql: "").title },
            pending: migrations.filter { !done.contains($0.version) }.map(\.title),
            isNewer: applied.contains { !known.contains($0.version) })
    }

    private func checkEncoding() throws(EngineError) {
        let rows = try connection.query("show server_encoding")
        let encoding = rows.first?.text(0) ?? "?"
        guard encoding == "UTF8" else {
            throw EngineError(
                .postgres, .stop,
                "\(connection.place) is encoded in \(encoding); device names and texts need UTF8: create the database with `create database … encoding 'UTF8' template template0`"
            )
        }
    }

    private func createLedger() throws(EngineError) {
        let rows = try connection.query("select to_regclass('egiz.schema_migration') is not null")
        guard rows.first?.bool(0) != true else { return }
        try connection.execute(
            """
            create schema if not exists egiz;
            create table egiz.schema_migration (
                version bigint primary key,
                name text not null,
                checksum text not null,
                applied_at timestamptz not null default clock_timestamp()
            );
            """)
    }

    private func readLedger() throws(EngineError) -> [Applied] {
        try connection.query("select version, name, checksum from egiz.schema_migration order by version").map {
            Applied(version: $0.int64(0) ?? 0, name: $0.text(1) ?? "", checksum: $0.text(2) ?? "")
        }
    }

    /// What is still to be applied, after everything applied was found to be what this binary would have applied.
    private func check(_ applied: [Applied]) throws(EngineError) -> [Migration] {
        for row in applied {
            guard let migration = migrations.first(where: { $0.version == row.version }) else {
                throw EngineError(
                    .postgres, .stop,
                    "\(connection.place) has migration \(row.version) (\(row.name)), which this version of egiz does not know: run the newer version that applied it"
                )
            }
            guard try checksum(migration) == row.checksum else {
                throw EngineError(
                    .postgres, .stop,
                    "migration \(migration.title) of \(connection.place) was applied with another text than this version of egiz has: run the version that applied it, or restore the schema from a backup"
                )
            }
        }
        let done = Set(applied.map(\.version))
        return migrations.filter { !done.contains($0.version) }
    }

    private func checksum(_ migration: Migration) throws(EngineError) -> String {
        let rows = try connection.query("select encode(sha256($1), 'hex')", [.bytes(Array(migration.sql.utf8))])
        return rows.first?.text(0) ?? ""
    }

    private func apply(_ migration: Migration) throws(EngineError) {
        let checksum = try checksum(migration)
        try connection.transaction { connection throws(EngineError) in
            // Whatever search path the database has, names without a schema mean the built-in ones.
            try connection.execute("set local search_path = pg_catalog, public")
            try connection.execute(migration.sql)
            _ = try connection.query(
                "insert into egiz.schema_migration (version, name, checksum) values ($1, $2, $3)",
                [.int64(migration.version), .text(migration.name), .text(checksum)])
        }
    }

    /// Lets psql users write `history` instead of `egiz.history`: adds the schema to the end of the database's search path, where
    /// we may. A role named `egiz` needs nothing, its `$user` is the schema.
    private func makeReachable() {
        try? connection.execute(
            """
            do $$
            begin
                if to_regclass('history') is null then
                    execute format('alter database %I set search_path = %s, egiz', current_database(),
                        coalesce(nullif((select reset_val from pg_settings where name = 'search_path'), ''), 'public'));
                end if;
            end $$
            """)
    }
}
