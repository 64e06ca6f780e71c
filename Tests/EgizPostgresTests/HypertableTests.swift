import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

@Suite(.enabled(if: TestPostgres.hasTimescale, "no TimescaleDB on the test server; name one in EGIZ_DATABASE_URL"))
struct HypertableTests {
    @Test func whereTimescaleIsInstalledItMakesTheChunks() throws {
        let database = try TestDatabase(migrated: false)
        try database.connection.execute("create extension if not exists timescaledb")
        try Migrator(database.connection).migrate()
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let key = try Epochs.key("a:b", "/x")
        let samples = [(Epochs.start, 1.0), (Epochs.start + HistoryInterval.length, 2.0)]
        let epoch = Epochs.write([Epochs.advance(lease, 1)], [Epochs.numbers(key, samples)])
        #expect(try database.writer().commit(epoch).isCommitted)
        #expect(
            try database.history("a:b", "/x", from: Epochs.start, to: Epochs.start + 1)
                == ["/x@\(Epochs.start) number 1.0"])
        let chunks = try database.connection.query(
            "select count(*) from timescaledb_information.chunks where hypertable_name = 'history_segment'")
        #expect(chunks.first?.int64(0) == 2)
    }
}
