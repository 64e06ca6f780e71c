import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import Testing

@testable import EgizPostgres

@Suite struct MigrationTests {
    private static let titles = Migration.all.map(\.title)

    @Test func theStepsStandInTheirOrder() {
        #expect(Self.titles.prefix(3) == ["0001-tables", "0002-history", "0003-guarantees"])
        #expect(Migration.all.map(\.version) == Migration.all.map(\.version).sorted())
    }

    /// Expand before contract: while machines are updated one by one, the old program works on the new tables.
    @Test func theWorkerBeforeGuaranteesGoesOnAfterThem() throws {
        let database = try TestDatabase(migrated: false)
        try Migrator(database.connection, migrations: [.tables, .history]).migrate()
        let letter = """
            insert into egiz.dead_letter (
                stage, topic, partition, incarnation, "offset", record_time, key, value, headers, code, message, thing_id, processor)
            values ('line.events', 'twins', 0, 1, %, now(), null, null, '[]', 'json', 'bad', null, null) on conflict do nothing
            """
        try database.connection.execute(letter.replacing("%", with: "1"))
        try Migrator(database.connection).migrate()
        try database.connection.execute(letter.replacing("%", with: "2"))
        let rows = try database.connection.query(
            "select dead_letter_id, disposition, attempts from egiz.dead_letter order by \"offset\"")
        #expect(rows.map { $0.int64(0) } == [1, 2])
        #expect(rows.allSatisfy { $0.text(1) == "dead" && $0.int64(2) == 1 })
    }

    @Test func aSecondRunHasNothingToDo() throws {
        let database = try TestDatabase(migrated: false)
        #expect(try Migrator(database.connection).status().pending == Self.titles)
        #expect(try Migrator(database.connection).migrate() == Self.titles)
        #expect(try Migrator(database.connection).migrate() == [])
        #expect(try Migrator(database.connection).status().isCurrent)
    }

    @Test func twoAtOnceApplyEachMigrationOnce() async throws {
        let database = try TestDatabase(migrated: false)
        let pool = PostgresPool(url: database.url, applicationName: "migrators", size: 2)
        defer { pool.close() }
        async let a = pool.run { try Migrator($0).migrate() }
        async let b = pool.run { try Migrator($0).migrate() }
        let applied = try await a + b
        #expect(applied.sorted() == Self.titles)
    }

    @Test func aNewerDatabaseIsRefused() throws {
        let database = try TestDatabase()
        try database.connection.execute("insert into egiz.schema_migration values (99, 'future', 'x')")
        let error = #expect(throws: EngineError.self) { try Migrator(database.connection).migrate() }
        #expect(error?.retry == .stop)
        #expect(error?.message.contains("99 (future)") == true)
        #expect(try Migrator(database.connection).status().isNewer)
    }

    @Test func aChangedMigrationIsRefused() throws {
        let database = try TestDatabase()
        var changed = Migration.all
        changed[0].sql += " "
        let error = #expect(throws: EngineError.self) {
            try Migrator(database.connection, migrations: changed).migrate()
        }
        #expect(error?.retry == .stop)
        #expect(error?.message.contains("0001-tables") == true)
    }

    @Test func aFailingMigrationLeavesNothing() throws {
        let database = try TestDatabase()
        let broken = Migration(version: 98, name: "broken", sql: "create table egiz.half (a int); select 1 / 0;")
        #expect(throws: EngineError.self) {
            try Migrator(database.connection, migrations: Migration.all + [broken]).migrate()
        }
        let half = try database.connection.query("select to_regclass('egiz.half') is null")
        #expect(half.first?.bool(0) == true)
        #expect(try Migrator(database.connection).status().isCurrent)
    }

    @Test func onlyUTF8DatabasesAreTaken() throws {
        let database = try TestDatabase(
            migrated: false, options: "encoding 'LATIN1' locale 'C' template template0")
        let error = #expect(throws: EngineError.self) { try Migrator(database.connection).migrate() }
        #expect(error?.message.contains("LATIN1") == true)
        #expect(error?.message.contains("UTF8") == true)
    }

    /// What a newer version adds must not stop workers that are still of this one: they name their columns.
    @Test func aWorkerGoesOnWhenANewerVersionAddsColumns() throws {
        let database = try TestDatabase()
        let store = database.store()
        let writer = database.writer()
        let deployments = PostgresDeploymentStore(url: database.url)
        let task = Epochs.task()
        func work(_ epoch: Int64) throws {
            let lease = try #require(try store.acquire([task], partitions: 1, topologyVersion: 1).first)
            let column = Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start + epoch, 1)])
            let outcome = try writer.commit(
                Epochs.write(
                    [Epochs.advance(lease, epoch)], [column], [try Epochs.twin("a:b", revision: epoch)],
                    [Epochs.letter(offset: epoch)]))
            #expect(outcome.isCommitted)
            let things = [try ThingID(validating: "a:b")]
            #expect(try store.loadTwins(things).first?.snapshot.revision == epoch)
            try store.release([lease])
            _ = try deployments.save("line", text: "\(epoch)", origin: "test")
            try deployments.beat(
                TestDatabase.worker(), scope: nil, reports: [TopologyReport(topology: "line", state: .running)])
            #expect(try deployments.snapshot().deployments.first?.wantedVersion == epoch)
            #expect(try deployments.stages(of: "line").first?.hasState == true)
        }
        // The statements of the first epoch stay prepared over the change.
        try work(1)
        let tables = try database.connection.query(
            """
            select relname::text from pg_class
            where relnamespace = 'egiz'::regnamespace and relkind in ('r', 'p') and not relispartition
            """
        ).compactMap { $0.text(0) }
        #expect(tables.count > 8)
        for table in tables { try database.connection.execute("alter table egiz.\"\(table)\" add column later text") }
        try work(2)
        store.close()
        writer.close()
        try work(3)
    }

    @Test func psqlUsersNeedNoSchemaPrefix() throws {
        let database = try TestDatabase()
        let other = try PostgresConnection(url: database.url, applicationName: "psql")
        #expect(try other.query("select * from history").isEmpty)
        #expect(try other.query("select * from history('a:b', '/x', now() - interval '1 day', now())").isEmpty)
    }

    @Test func aTopologyKeepsItsVersionWhileItsTextStays() throws {
        let database = try TestDatabase()
        let store = PostgresTopologyStore(database.connection)
        #expect(try store.save(name: "line", text: "a") == 1)
        #expect(try store.save(name: "line", text: "a") == 1)
        #expect(try store.save(name: "line", text: "b") == 2)
        #expect(try store.save(name: "other", text: "a") == 1)
        // Going back is a new version: versions only rise.
        #expect(try store.save(name: "line", text: "a") == 3)
        #expect(try store.list().map { "\($0.name) \($0.version) \($0.text)" } == ["line 3 a", "other 1 a"])
    }
}
