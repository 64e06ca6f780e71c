import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import TestSupport
import Testing

@testable import EgizPostgres

/// Compaction changes nothing that a reader sees.
@Suite struct CompactionTests {
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

    private func commit(_ n: Int64, _ columns: [SeriesColumn]) throws {
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, n)], columns)).isCommitted)
    }

    @discardableResult
    private func compact(upTo time: Int64, most: Int64 = 300_000) throws -> HistoryCompactor.Progress {
        var configuration = HistoryCompactor.Configuration()
        configuration.mostSamples = most
        let compactor = HistoryCompactor(database.connection, configuration)
        return try compactor.pass(upTo: EventTime(microseconds: time)) { _, _ in true }
    }

    /// Everything a reader sees, sample for sample; numbers to the bit.
    private func everything() throws -> [String] {
        try database.connection.query(
            """
            select concat_ws(' ', thing_id, path, extract(epoch from time), kind, encode(float8send(number), 'hex'), text,
                "boolean", json::text)
            from egiz.history order by thing_id, path, time
            """
        ).map { $0.text(0) ?? "" }
    }

    @Test func aDayOfOneMachineBecomesFourSegments() throws {
        let key = try Epochs.key("a:b", "/x")
        for n in 0..<144 {
            let times = (0..<10).map { Epochs.start + Int64(n * 10 + $0) * minute }
            try commit(Int64(n + 1), [Epochs.numbers(key, times.map { ($0, Double($0 / minute % 77) / 10) })])
        }
        let before = try everything()
        let progress = try compact(upTo: Epochs.start + 24 * hour)
        #expect(progress.rows == 144 && progress.samples == 1440 && progress.written == 4)
        #expect(try everything() == before)
        #expect(try database.count("history_segment") == 0)
        let rows = try database.connection.query(
            "select n, times is null, lags2 is null, pg_column_size(low2), minimum, maximum, step from egiz.history_packed order by t_first"
        )
        #expect(rows.map { $0.int64(0) } == [360, 360, 360, 360])
        #expect(rows.allSatisfy { $0.bool(1) == true && $0.bool(2) == true && ($0.int64(3) ?? 0) < 360 * 2 + 30 })
        #expect(rows.allSatisfy { $0.double(4) == 0 && $0.double(5) == 7.6 && $0.int64(6) == minute })
    }

    @Test func sliceBySliceComesToTheSameAsAtOnce() throws {
        let key = try Epochs.key("a:b", "/x")
        for n in 0..<144 {
            let times = (0..<10).map { Epochs.start + Int64(n * 10 + $0) * minute }
            try commit(Int64(n + 1), [Epochs.numbers(key, times.map { ($0, Double($0 % 1000) / 10) })])
            try compact(upTo: Epochs.start + Int64(n + 1) * 10 * minute)
        }
        let rows = try database.connection.query("select n from egiz.history_packed order by t_first")
        #expect(rows.map { $0.int64(0) } == [360, 360, 360, 360])
        #expect(try everything().count == 1440)
    }

    @Test func whatIsNotClosedStaysAndWhatReachesBeyondIsCut() throws {
        let key = try Epochs.key("a:b", "/x")
        let others = try (0..<10).map { try Epochs.key("c:\($0)", "/x") }
        try commit(1, [Epochs.numbers(key, (0..<20).map { (Epochs.start + Int64($0) * minute, Double($0)) })])
        try commit(
            2, others.enumerated().map { Epochs.numbers($1, [(Epochs.start + Int64($0 * 2) * minute, 5)]) })
        let before = try everything()
        try compact(upTo: Epochs.start + 10 * minute)
        #expect(try everything() == before)
        let rows = try database.connection.query(
            "select n, t_first = '2026-01-01T00:10Z', seq = (select min(seq) from egiz.history_packed) from egiz.history_segment"
        )
        #expect(
            rows.count == 1 && rows.first?.int64(0) == 10 && rows.first?.bool(1) == true && rows.first?.bool(2) == true)
        let blocks = try database.connection.query("select n, t_first = '2026-01-01T00:10Z' from egiz.history_block")
        #expect(blocks.count == 1 && blocks.first?.int64(0) == 5 && blocks.first?.bool(1) == true)
        #expect(try compact(upTo: Epochs.start + 10 * minute).batches == 0)
    }

    @Test func aLateSampleOpensItsIntervalAgainAndWins() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, (0..<60).map { (Epochs.start + Int64($0) * minute, 1) })])
        try compact(upTo: Epochs.start + hour)
        try commit(2, [Epochs.numbers(key, [(Epochs.start + 30 * minute, 2), (Epochs.start + 30 * minute + 1, 3)])])
        let before = try everything()
        #expect(before.count == 61)
        let progress = try compact(upTo: Epochs.start + hour)
        #expect(progress.rows == 1 && progress.written == 1)
        #expect(try everything() == before)
        let rows = try database.connection.query(
            "select n, total, integral from egiz.history_packed")
        #expect(rows.count == 1 && rows.first?.int64(0) == 61 && rows.first?.double(1) == 64)
        // 58 minutes of 1, a microsecond of 2, a minute less that of 3.
        let integral = rows.first?.double(2) ?? 0
        #expect(abs(integral - 3660) < 1e-3)
    }

    /// Random samples of all kinds, equal times, late ones, over a change of summer time, in passes that end anywhere.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomHistoryStaysSampleForSample(_ seed: UInt64) throws {
        try database.connection.execute("set timezone = 'Europe/Berlin'")
        var random = SeededGenerator(seed: seed)
        // 2026-03-29T00:00Z: Berlin's clocks go forward at 01:00Z.
        let origin: Int64 = 1_774_742_400_000_000
        let keys = try (0..<12).map { try Epochs.key("a:\($0)", "/x") }
        var now = origin - 2 * hour
        for n in 1...60 {
            now += Int64.random(in: 0...40, using: &random) * minute
            var columns: [SeriesColumn] = []
            for key in keys where Int.random(in: 0...3, using: &random) > 0 {
                columns += Self.columns(key, around: now, &random)
            }
            try commit(Int64(n), columns)
            guard n % 7 == 0 else { continue }
            let before = try everything()
            let closed = IntervalLadder.start(of: now - 20 * minute, 10 * minute)
            try compact(upTo: closed, most: Int64.random(in: 1...40, using: &random))
            #expect(try everything() == before)
            let open = try database.connection.query(
                """
                select (select count(*) from egiz.history_segment where t_first < $1)
                    + (select count(*) from egiz.history_block where t_first < $1)
                """, [.timestamp(microseconds: closed)])
            #expect(open.first?.int64(0) == 0)
        }
        let before = try everything()
        try compact(upTo: now + 48 * hour)
        #expect(try everything() == before)
        #expect(try database.count("history_segment") == 0 && database.count("history_block") == 0)
        // No two compacted segments share a time, none mixes kinds or spans a day, and every statistic is right.
        let odd = try database.connection.query(
            """
            select count(*) from egiz.history_packed a join egiz.history_packed b on a.series_id = b.series_id and a.kind = b.kind
                and a.t_first < b.t_first and b.t_first <= a.t_last
            """)
        #expect(odd.first?.int64(0) == 0)
        for row in try database.connection.query(
            "select thing_id, path, t_first, t_last, n, minimum, maximum, total, first, last, t_last - t_first >= interval '1 day' from egiz.history_packed join egiz.series using (series_id) where kind = 1"
        ) {
            #expect(row.bool(10) == false)
            let numbers = try database.connection.query(
                "select number from egiz.history($1, $2, $3, $4) where kind = 'number' order by time",
                [
                    .text(row.text(0) ?? ""), .text(row.text(1) ?? ""), .timestamp(microseconds: row.timestamp(2) ?? 0),
                    .timestamp(microseconds: (row.timestamp(3) ?? 0) + 1),
                ]
            ).compactMap { $0.double(0) }
            #expect(numbers.count == Int(row.int64(4) ?? 0))
            #expect(numbers.min() == row.double(5) && numbers.max() == row.double(6))
            #expect(numbers.reduce(0, +) == row.double(7))
            #expect(numbers.first == row.double(8) && numbers.last == row.double(9))
        }
    }

    private static func columns(_ key: SeriesKey, around now: Int64, _ random: inout SeededGenerator) -> [SeriesColumn]
    {
        var columns: [SampleKind: SeriesColumn] = [:]
        var taken: Set<Int64> = []
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let isLate = Int.random(in: 0...9, using: &random) == 0
            let time =
                now - (isLate ? Int64.random(in: 0...1800, using: &random) * 60_000_000 : 0)
                + Int64.random(in: 0...20, using: &random) * 7_000_000
            guard taken.insert(time).inserted else { continue }
            let kind =
                Int.random(in: 0...4, using: &random) > 0
                ? .number : SampleKind.allCases.randomElement(using: &random) ?? .null
            let column = columns[kind] ?? SeriesColumn(series: key, kind: kind)
            columns[kind] = column
            switch kind {
            case .number:
                switch Int.random(in: 0...9, using: &random) {
                case 0: column.append(time: time, number: 9_007_199_254_740_992, exactly: "9007199254740993")
                case 1: column.append(time: time, number: -0.0)
                case 2: column.append(time: time, number: Double.random(in: -1...1, using: &random))
                default: column.append(time: time, number: Double(Int.random(in: 0...999, using: &random)) / 8)
                }
            case .boolean: column.append(time: time, number: Bool.random(using: &random) ? 1 : 0)
            case .text: column.append(time: time, text: "t\(time % 97)")
            case .json: column.append(time: time, text: "[\(time % 89)]")
            case .null, .absent: column.append(time: time)
            }
        }
        return SampleKind.allCases.compactMap { columns[$0] }.map { column in
            column.seal()
            return column
        }
    }

    /// The server kills the compactor's session in the middle, again and again: what was done is done, the rest is as before.
    @Test func aCompactorThatIsKilledAnywhereLosesNothing() async throws {
        let keys = try (0..<40).map { try Epochs.key("a:\($0)", "/x") }
        for n in 1...40 {
            let time = Epochs.start + Int64(n) * minute
            try commit(Int64(n), keys.map { Epochs.numbers($0, [(time, Double(n)), (time + 1, 0.5)]) })
        }
        for key in keys.prefix(5) {
            try commit(
                41 + Int64(keys.firstIndex { $0 === key } ?? 0), [Epochs.numbers(key, [(Epochs.start + minute, 7)])])
        }
        let before = try everything()
        var configuration = HistoryCompactor.Configuration()
        configuration.mostSamples = 1
        let connection = try PostgresConnection(url: database.url, applicationName: "compactor")
        let compactor = HistoryCompactor(connection, configuration)
        var kills = 0
        var random = SeededGenerator(seed: 5)
        while try database.count("history_block") + database.count("history_segment") > 0 {
            #expect(try compactor.acquire())
            let pid = connection.backendPID
            let url = database.url
            let delay = UInt64.random(in: 0...40, using: &random)
            let killer = Task.detached {
                let killer = try PostgresConnection(url: url, applicationName: "killer")
                _ = try killer.query(
                    "select pg_sleep($1), pg_terminate_backend($2::int)",
                    [.double(Double(delay) / 1000), .int64(Int64(pid))])
            }
            do {
                _ = try compactor.pass(upTo: EventTime(microseconds: Epochs.start + 24 * hour)) { _, _ in true }
            } catch {
                kills += 1
                #expect(error.retry == .backoff, "\(error)")
            }
            try await killer.value
            #expect(try everything() == before)
            if kills > 8 { configuration.mostSamples = 300_000 }
            if kills > 8 {
                // The last one runs to its end.
                let last = HistoryCompactor(database.connection, configuration)
                _ = try last.pass(upTo: EventTime(microseconds: Epochs.start + 24 * hour)) { _, _ in true }
            }
        }
        #expect(kills > 0)
        #expect(try everything() == before)
    }

    @Test func onlyOneCompactsAtATime() throws {
        let first = HistoryCompactor(try PostgresConnection(url: database.url, applicationName: "first"))
        let second = HistoryCompactor(database.connection)
        #expect(try first.acquire())
        #expect(try first.acquire())
        #expect(try !second.acquire())
        first.release()
        #expect(try second.acquire())
    }

    @Test func closedIsTheStreamTimeOfTheSlowestLiveTaskLessTheGrace() throws {
        let compactor = HistoryCompactor(database.connection)
        #expect(try compactor.closed() == nil)
        let other = try #require(
            database.store("b").acquire(
                [Epochs.task(0, StageName(topology: "x", source: "y"))], partitions: 1, topologyVersion: 1
            ).first)
        let now = Epochs.start + 5 * hour + 4 * minute
        _ = try writer.commit(Epochs.write([Epochs.advance(lease, 1, streamTime: now + hour)]))
        _ = try database.writer("b").commit(Epochs.write([Epochs.advance(other, 1, streamTime: now)]))
        #expect(try compactor.closed()?.microseconds == Epochs.start + 4 * hour + 50 * minute)
        // A task that has not committed for a while holds nobody up.
        try database.connection.execute(
            "update egiz.task set last_commit_at = now() - interval '2 minutes' where stage = 'x.y'")
        #expect(try compactor.closed()?.microseconds == Epochs.start + 5 * hour + 50 * minute)
    }

    /// A COPY into the same tables goes on while a batch holds its locks.
    @Test func anEpochCommitsWhileABatchIsOpen() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(Epochs.start, 1)])])
        let other = try PostgresConnection(url: database.url, applicationName: "batch")
        try other.execute("begin")
        let batch = try CompactionBatch(
            group: (key.databaseID ?? 0) >> HistoryBlocks.groupBits, before: Epochs.start + hour, other)
        #expect(batch.samples == 1)
        try database.connection.execute("set lock_timeout = '100ms'")
        try commit(2, [Epochs.numbers(key, [(Epochs.start + 1, 2)])])
        #expect(try database.count("history_segment") == 2)
        other.rollback()
    }
}
