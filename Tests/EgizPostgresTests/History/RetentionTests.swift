import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

/// What is past its retention goes by whole partitions, and does not come back.
@Suite struct RetentionTests {
    let database: TestDatabase
    let lease: TaskLease
    let writer: PostgresEpochWriter
    /// Today's midnight, by the clock that retention goes by.
    let today: Int64
    private let day = HistoryInterval.day

    init() throws {
        database = try TestDatabase()
        lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        writer = database.writer()
        let now = try database.connection.query("select clock_timestamp()").first?.timestamp(0) ?? 0
        today = IntervalLadder.start(of: now, HistoryInterval.day)
    }

    private func rule(_ days: Int32) throws -> HistoryRetention {
        HistoryRetention([.init(include: [try #require(PathPattern("/x"))], exclude: [], days: days)])
    }

    private func commit(
        _ n: Int64, _ columns: [SeriesColumn], _ days: Int32 = 10, by writer: PostgresEpochWriter? = nil
    ) throws {
        let epoch = Epochs.write([Epochs.advance(lease, n)], columns)
        epoch.retention = try rule(days)
        #expect(try (writer ?? self.writer).commit(epoch).isCommitted)
    }

    private func compact() throws {
        let compactor = HistoryCompactor(database.connection)
        _ = try compactor.pass(upTo: EventTime(microseconds: today + 2 * day)) { _, _ in true }
    }

    private func tables(_ pattern: String) throws -> [String] {
        try database.connection.query(
            "select relname from pg_class where relnamespace = 'egiz'::regnamespace and relkind = 'r' and relname ~ $1 order by 1",
            [.text(pattern)]
        ).compactMap { $0.text(0) }
    }

    @Test func aClassHasATreeOfItsOwnAndOldDaysAreDropped() throws {
        let key = try Epochs.key("a:b", "/x")
        let forever = try Epochs.key("a:b", "/y")
        let times = (0..<15).map { today - Int64($0) * day }
        try commit(1, [Epochs.numbers(key, times.map { ($0, 1) }), Epochs.numbers(forever, times.map { ($0, 2) })])
        try compact()
        #expect(try tables("^history_packed_10_").count >= 15)
        let dropped = try HistoryExpiry(database.connection).run(closed: nil)
        #expect(dropped.contains("history_packed_10_\(HistoryInterval.day(of: today - 14 * day))"))
        #expect(!dropped.contains("history_packed_10_\(HistoryInterval.day(of: today - 10 * day))"))
        let left = try database.connection.query(
            "select path, count(*), min(time) from egiz.history group by path order by path")
        #expect(left.map { $0.int64(1) } == [11, 15])
        #expect(left.first?.timestamp(2) == today - 10 * day)
        let horizon = try database.connection.query("select horizon from egiz.history_class where retention = 10")
        #expect(horizon.first?.timestamp(0) == today - 10 * day)
    }

    @Test func whatComesTooLateIsCountedAndNotKept() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(today, 1)])])
        _ = try HistoryExpiry(database.connection).run(closed: nil)
        // Another worker, which has not looked at the horizons yet.
        let other = database.writer()
        try commit(
            2, [Epochs.numbers(key, [(today - 12 * day, 3), (today - 11 * day, 4), (today - 9 * day, 5)])], by: other)
        #expect(try database.history("a:b") == ["/x@\(today - 9 * day) number 5.0", "/x@\(today) number 1.0"])
        let expired = try database.connection.query("select expired from egiz.history_class where retention = 10")
        #expect(expired.first?.int64(0) == 2)
        // What slipped through is dropped when it is compacted, and makes no partition anew.
        try database.connection.execute(
            "update egiz.history_class set horizon = horizon + interval '3 days' where retention = 10")
        try compact()
        #expect(try database.history("a:b") == ["/x@\(today) number 1.0"])
        let counted = try database.connection.query("select expired from egiz.history_class where retention = 10")
        #expect(counted.first?.int64(0) == 3, "what is dropped then is counted as well")
    }

    @Test func aHorizonNeverFalls() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(today, 1)])])
        try database.connection.execute("update egiz.history_class set horizon = '2100-01-01' where retention = 10")
        _ = try HistoryExpiry(database.connection).run(closed: nil)
        let horizon = try database.connection.query(
            "select horizon = '2100-01-01' from egiz.history_class where retention = 10")
        #expect(horizon.first?.bool(0) == true)
    }

    @Test func anotherRetentionMovesWhatIsCompactedFromThenOn() throws {
        try commit(1, [Epochs.numbers(try Epochs.key("a:b", "/x"), [(today, 1)])])
        try compact()
        // A new tenure resolves the series anew.
        try commit(2, [Epochs.numbers(try Epochs.key("a:b", "/x"), [(today + 1, 2)])], 90)
        try compact()
        let rows = try database.connection.query("select retention, n from egiz.history_packed")
        #expect(rows.map { $0.int64(0) } == [90] && rows.first?.int64(1) == 2)
        #expect(try database.history("a:b").count == 2)
    }

    @Test func anEmptiedWeekOfSegmentsIsDroppedAndMadeAgainForLateSamples() throws {
        let key = try Epochs.key("a:b", "/y")
        let long = today - 30 * day
        try commit(1, [Epochs.numbers(key, [(long, 1)])])
        let table = HistoryInterval.tableName(of: HistoryInterval.number(of: long))
        // Not empty yet.
        #expect(try HistoryExpiry(database.connection).run(closed: today) == [])
        try compact()
        #expect(try HistoryExpiry(database.connection).run(closed: today) == [table])
        let epoch = Epochs.write([Epochs.advance(lease, 2)], [Epochs.numbers(key, [(long + 1, 2)])])
        // The writer believes that the week is there: it looks again.
        #expect(throws: EngineError.self) { try writer.commit(epoch) }
        #expect(try writer.commit(epoch).isCommitted)
        #expect(try database.history("a:b") == ["/y@\(long) number 1.0", "/y@\(long + 1) number 2.0"])
    }

    @Test func aDetachingThatWasInterruptedIsFinished() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(today - 20 * day, 1)])])
        try compact()
        let name = "history_packed_10_\(HistoryInterval.day(of: today - 20 * day))"
        // Somebody who still reads keeps the second half of a concurrent detaching waiting; a timeout leaves it half done.
        let reader = try PostgresConnection(url: database.url, applicationName: "reader")
        try reader.execute("begin; select count(*) from egiz.history")
        try database.connection.execute("set lock_timeout = '200ms'")
        #expect(throws: EngineError.self) {
            try database.connection.execute(
                "alter table egiz.history_packed_10 detach partition egiz.\(name) concurrently")
        }
        let pending = try database.connection.query("select count(*) from pg_inherits where inhdetachpending")
        #expect(pending.first?.int64(0) == 1)
        reader.rollback()
        #expect(try HistoryExpiry(database.connection).run(closed: nil).contains(name))
        #expect(try database.history("a:b") == [])
    }

    @Test func aWriterWaitsAsLongAsADetachingTakes() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(today - 20 * day, 1)])])
        let name = HistoryInterval.tableName(of: HistoryInterval.number(of: today - 20 * day))
        let reader = try PostgresConnection(url: database.url, applicationName: "reader")
        try reader.execute("begin; select count(*) from egiz.history")
        try database.connection.execute("set lock_timeout = '200ms'")
        #expect(throws: EngineError.self) {
            try database.connection.execute(
                "alter table egiz.history_segment detach partition egiz.\(name) concurrently")
        }
        let epoch = Epochs.write([Epochs.advance(lease, 2)], [Epochs.numbers(key, [(today - 20 * day + 1, 2)])])
        for _ in 0..<20 {
            let error = #expect(throws: EngineError.self) { try writer.commit(epoch) }
            #expect(error?.retry == .backoff)
        }
        reader.rollback()
        try database.connection.execute("alter table egiz.history_segment detach partition egiz.\(name) finalize")
        try database.connection.execute("drop table egiz.\(name)")
        #expect(try writer.commit(epoch).isCommitted)
    }

    @Test func whatLiesBehindTheHorizonStaysInTheClassItIsIn() throws {
        // The class has a horizon already, by another thing.
        try commit(1, [Epochs.numbers(try Epochs.key("c:d", "/x"), [(today, 1)])], 7)
        _ = try HistoryExpiry(database.connection).run(closed: nil)
        let horizon = today - 7 * day
        let minute: Int64 = 60_000_000
        let key = try Epochs.key("a:b", "/x")
        let compactor = HistoryCompactor(database.connection)
        for number in 0..<6 as Range<Int64> {
            let time = horizon - 400 * minute + number * 61 * minute
            try commit(2 + number, [Epochs.numbers(key, [(time, 1)])], 0)
            _ = try compactor.pass(upTo: EventTime(microseconds: time + 10 * minute)) { _, _ in true }
        }
        try commit(
            8, [Epochs.numbers(try Epochs.key("a:b", "/x"), [(horizon + minute, 2)])], 7, by: database.writer())
        try compact()
        let rows = try database.connection.query(
            "select packed.retention, sum(n)::int8 from egiz.history_packed packed join egiz.series using (series_id) where thing_id = 'a:b' group by 1 order by 1"
        )
        #expect(rows.map { $0.int64(0) } == [0, 7] && rows.map { $0.int64(1) } == [6, 1])
        #expect(try database.history("a:b").count == 7)
    }
}
