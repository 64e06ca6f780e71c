import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import Testing

@testable import EgizPostgres

/// The role of dashboards.
@Suite struct ReaderRoleTests {
    private let role = "egiz_reader_" + UUID().uuidString.lowercased().replacing("-", with: "")

    /// A session of the role in a database that was migrated when the role was there.
    private func session(_ database: TestDatabase) throws -> PostgresConnection {
        try database.connection.execute("create role \(role) nologin")
        try Migrator(database.connection, migrations: Migration.all, reader: role).migrate()
        let connection = try PostgresConnection(url: database.url, applicationName: "egiz-test-reader")
        try connection.execute("set role \(role)")
        return connection
    }

    private func removed<T>(from database: TestDatabase, _ body: () throws -> T) throws -> T {
        defer { try? database.connection.execute("drop owned by \(role); drop role \(role)") }
        return try body()
    }

    @Test func aReaderSeesHistoryInEachOfItsForms() throws {
        let database = try TestDatabase()
        try removed(from: database) {
            let lease = try #require(
                database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
            let writer = database.writer()
            let keys = try (0..<10).map { try Epochs.key("a:\($0)", "/x") }
            let hour: Int64 = 3_600_000_000
            func commit(_ n: Int64, _ columns: [SeriesColumn]) throws {
                #expect(try writer.commit(Epochs.write([Epochs.advance(lease, n)], columns)).isCommitted)
            }
            try commit(1, keys.map { Epochs.numbers($0, [(Epochs.start, 1)]) })
            _ = try HistoryCompactor(database.connection).pass(upTo: EventTime(microseconds: Epochs.start + hour)) {
                _, _ in true
            }
            try commit(2, keys.map { Epochs.numbers($0, [(Epochs.start + 2 * hour, 2)]) })
            try commit(3, [Epochs.numbers(keys[0], [(Epochs.start + 3 * hour, 3)])])
            for table in ["history_packed", "history_block", "history_segment"] {
                #expect(try database.count(table) > 0, "\(table)")
            }
            let reader = try session(database)
            let rows = try reader.query(
                "select number from egiz.history('a:0', '/x', $1, $2) order by time",
                [.timestamp(microseconds: Epochs.start), .timestamp(microseconds: Epochs.start + 4 * hour)])
            #expect(rows.map { $0.double(0) } == [1, 2, 3])
            #expect(try reader.query("select count(*) from egiz.history").first?.int64(0) == 21)
            for relation in ReaderRole.relations { _ = try reader.query("select from egiz.\(relation) limit 1") }
        }
    }

    @Test func aReaderChangesNothingAndSeesNoRecordsOfDevices() throws {
        let database = try TestDatabase()
        try removed(from: database) {
            let reader = try session(database)
            let refused = [
                "insert into egiz.inbox (stage, partition, processor, thing_id, action, subject) values ('a', 0, 'b', 'c', 'clear', 'd')",
                "update egiz.registry set version = 9", "delete from egiz.twin", "truncate egiz.history_packed",
                "select value from egiz.dead_letter", "select body from egiz.outbox", "select value from egiz.state",
                "select * from egiz.topology",
            ]
            for statement in refused {
                let error = #expect(throws: EngineError.self) { try reader.execute(statement) }
                #expect(error?.detail == "42501", "\(statement): \(error.map(String.init(describing:)) ?? "")")
            }
        }
    }
}
