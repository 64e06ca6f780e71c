import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import TestSupport
import Testing

@testable import EgizPostgres

/// What the compactor looks for, when, and what it says of it.
@Suite struct MaintenanceTests {
    let database: TestDatabase
    let lease: TaskLease
    let writer: PostgresEpochWriter
    private let hour: Int64 = 3_600_000_000
    private let minute: Int64 = 60_000_000

    init() throws {
        database = try TestDatabase()
        lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, _ columns: [SeriesColumn], streamTime: Int64 = Epochs.start) throws {
        let epoch = Epochs.write([Epochs.advance(lease, n, streamTime: streamTime)], columns)
        #expect(try writer.commit(epoch).isCommitted)
    }

    @Test func whatIsDoneIsLookedForAgainWhenMoreIsClosedOrAfterAWhile() throws {
        let key = try Epochs.key("a:b", "/x")
        let maintenance = HistoryMaintenance(database.connection, HistoryCompactor.Configuration())
        var memory = HistoryMaintenance.Memory()
        let now = ContinuousClock.now
        func rows(after seconds: Int) throws -> Int? {
            try maintenance.round(&memory, at: now.advanced(by: .seconds(seconds))) { _, _ in true }?.progress.rows
        }
        try commit(1, [Epochs.numbers(key, [(Epochs.start, 1)])], streamTime: Epochs.start + hour)
        #expect(try rows(after: 0) == 1)
        try commit(2, [Epochs.numbers(key, [(Epochs.start + minute, 2)])], streamTime: Epochs.start + hour)
        #expect(try rows(after: 15) == 0, "nothing more is closed")
        #expect(try rows(after: 599) == 0)
        #expect(try rows(after: 601) == 1, "late samples do not wait for ever")
        try commit(3, [Epochs.numbers(key, [(Epochs.start + 2 * minute, 3)])], streamTime: Epochs.start + 2 * hour)
        #expect(try rows(after: 602) == 1, "more is closed")
        #expect(try database.history("a:b").count == 3)
    }

    @Test func aRoundThatWasEndedGoesOnInTheNext() throws {
        // A group of series has 256 numbers.
        let keys = try (0..<300).map { try Epochs.key("a:\($0)", "/x") }
        try commit(1, keys.map { Epochs.numbers($0, [(Epochs.start, 1)]) }, streamTime: Epochs.start + hour)
        let maintenance = HistoryMaintenance(database.connection, HistoryCompactor.Configuration())
        var memory = HistoryMaintenance.Memory()
        let first = try maintenance.round(&memory) { _, _ in false }
        #expect(first?.progress.batches == 1 && first?.progress.left.samples ?? 0 > 0)
        let second = try maintenance.round(&memory) { _, _ in true }
        #expect(second?.progress.batches ?? 0 > 0 && second?.progress.left == HistoryStatus.Form.zero)
        #expect(try database.count("history_block") == 0)
    }

    @Test func theDebtIsToldWhileItIsWorkedOff() throws {
        let key = try Epochs.key("a:b", "/x")
        for n in 0..<20 as Range<Int64> {
            let times = (0..<10).map { Epochs.start + (n * 10 + Int64($0)) * minute }
            try commit(n + 1, [Epochs.numbers(key, times.map { ($0, 1) })])
        }
        var configuration = HistoryCompactor.Configuration()
        configuration.mostSamples = 15
        var told: [HistoryCompactor.Progress] = []
        let closed = EventTime(microseconds: Epochs.start + 24 * hour)
        let debt = try HistoryStatus.debt(database.connection, closed)
        #expect(debt.rows == 20 && debt.samples == 200 && debt.bytes > 200 * 16)
        let done = try HistoryCompactor(database.connection, configuration).pass(upTo: closed) { progress, _ in
            told.append(progress)
            return true
        }
        #expect(told.count > 5)
        for progress in told { #expect(progress.left.samples + Int64(progress.samples) == 200) }
        #expect(zip(told, told.dropFirst()).allSatisfy { $1.left.bytes <= $0.left.bytes })
        #expect(done.left == HistoryStatus.Form.zero)
        #expect(try HistoryStatus.debt(database.connection, closed) == HistoryStatus.Form.zero)
    }

    @Test func retentionGoesOnWhereSomethingCannotBeCompacted() throws {
        let day = HistoryInterval.day
        let now = try database.connection.query("select now()").first?.timestamp(0) ?? 0
        let today = IntervalLadder.start(of: now, day)
        let rule = HistoryRetention([.init(include: [try #require(PathPattern("/x"))], exclude: [], days: 10)])
        func commit(_ n: Int64, _ time: Int64) throws {
            let epoch = Epochs.write(
                [Epochs.advance(lease, n)], [Epochs.numbers(try Epochs.key("a:b", "/x"), [(time, 1)])])
            epoch.retention = rule
            #expect(try writer.commit(epoch).isCommitted)
        }
        let end = EventTime(microseconds: today + 2 * day)
        try commit(1, today - 20 * day)
        _ = try HistoryCompactor(database.connection).pass(upTo: end) { _, _ in true }
        let old = "history_packed_10_\(HistoryInterval.day(of: today - 20 * day))"
        #expect(try database.count(old) == 1)
        // Of a version to come.
        try commit(2, today)
        try database.connection.execute("update egiz.history_segment set kind = 99")
        let maintenance = HistoryMaintenance(database.connection, HistoryCompactor.Configuration())
        var memory = HistoryMaintenance.Memory()
        let error = #expect(throws: EngineError.self) {
            try maintenance.round(&memory, upTo: end) { _, _ in true }
        }
        #expect(error?.code == .state)
        let there = try database.connection.query("select to_regclass($1) is null", [.text("egiz." + old)])
        #expect(there.first?.bool(0) == true, "what is past its retention is still there")
    }

    @Test func longTextsAreDividedByTheirSize() throws {
        let key = try Epochs.key("a:b", "/log")
        let size = 100_000
        for n in 0..<30 as Range<Int64> {
            let column = SeriesColumn(series: key, kind: .text)
            let letter = String(UnicodeScalar(UInt8(97 + n % 26)))
            column.append(time: Epochs.start + n * 10_000, text: String(repeating: letter, count: size))
            column.seal()
            try commit(n + 1, [column])
        }
        let text = "select encode(sha256(string_agg(time || text, '' order by time)::bytea), 'hex') from egiz.history"
        let before = try database.connection.query(text).first?.text(0)
        let compactor = HistoryCompactor(database.connection)
        _ = try compactor.pass(upTo: EventTime(microseconds: Epochs.start + 24 * hour)) { _, _ in true }
        #expect(try database.count("history_segment") == 0)
        let rows = try database.connection.query(
            "select n, (select sum(octet_length(text)) from unnest(texts) as text)::int8 from egiz.history_packed order by t_first"
        )
        #expect(rows.map { $0.int64(0) } == [10, 10, 10])
        #expect(rows.allSatisfy { $0.int64(1) ?? .max <= Int64(SlotPlan.mostTextBytes) })
        #expect(try database.connection.query(text).first?.text(0) == before)
        // A late one finds them as they are.
        let late = SeriesColumn(series: key, kind: .text)
        late.append(time: Epochs.start + 1, text: String(repeating: "-", count: size))
        late.seal()
        try commit(31, [late])
        _ = try compactor.pass(upTo: EventTime(microseconds: Epochs.start + 24 * hour)) { _, _ in true }
        let total = try database.connection.query("select sum(n)::int8, max(n) from egiz.history_packed").first
        #expect(total?.int64(0) == 31 && total?.int64(1) ?? 99 <= 10)
    }
}
