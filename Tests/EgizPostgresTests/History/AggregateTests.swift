import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

/// Aggregates by statistics and by samples come to the same.
@Suite struct AggregateTests {
    let database: TestDatabase
    let lease: TaskLease
    let writer: PostgresEpochWriter
    let pool: PostgresPool
    private let minute: Int64 = 60_000_000

    init() throws {
        database = try TestDatabase()
        lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        writer = database.writer()
        pool = PostgresPool(url: database.url, applicationName: "aggregates", size: 1)
    }

    private func commit(_ n: Int64, _ columns: [SeriesColumn]) throws {
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, n)], columns)).isCommitted)
    }

    private func compact(upTo time: Int64) throws {
        _ = try HistoryCompactor(database.connection).pass(upTo: EventTime(microseconds: time)) { _, _ in true }
    }

    private func buckets(_ from: Int64, _ to: Int64, _ interval: Int64, limit: Int = 10_000) async throws
        -> [HistoryBucket]
    {
        let range = HistoryQueries.Range(
            thing: try ThingID(validating: "a:b"), path: "/x", from: EventTime(microseconds: from),
            to: EventTime(microseconds: to))
        return try await HistoryQueries(pool: pool).buckets(
            range, interval: interval, aggregates: [.extremes, .sum, .ends, .timeAverage], limit: limit) ?? []
    }

    @Test func aNumberCountsAsLongAsItHolds() async throws {
        let t = Epochs.start
        let absent = SeriesColumn(series: try Epochs.key("a:b", "/x"), kind: .absent)
        absent.append(time: t + 3 * minute)
        try commit(
            1,
            [
                Epochs.numbers(
                    absent.series, [(t - minute, 8), (t + minute / 2, 2), (t + minute, 4), (t + 5 * minute, 1)]),
                absent,
            ])
        let found = try await buckets(t, t + 6 * minute, minute)
        // Half a minute of 8, which came before the range, and half of 2; then 4 for its minute; nothing is known after `absent`.
        #expect(found.map(\.timeAverage) == [5, 4, nil, 1])
        #expect(found.map(\.skipped) == [0, 0, 1, 0])
        #expect(found.map { ($0.start.microseconds - t) / minute } == [0, 1, 3, 5])
        // A range that ends in an interval counts up to its end.
        let cut = try await buckets(t + minute / 4, t + minute * 3 / 4, minute)
        #expect(cut.map(\.timeAverage) == [5])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func statisticsComeToWhatTheSamplesDo(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let key = try Epochs.key("a:b", "/x")
        var n: Int64 = 0
        for hour in 0..<30 {
            n += 1
            let step = Int64([1, 10, 60].randomElement(using: &random) ?? 10) * 1_000_000
            let base = Epochs.start + Int64(hour) * 60 * minute
            let samples = (0..<(60 * minute / step)).map {
                (base + $0 * step, Double(Int.random(in: -99...99, using: &random)) / 4)
            }
            var columns = [Epochs.numbers(key, samples)]
            if hour % 7 == 3 {
                let text = SeriesColumn(series: key, kind: .text)
                text.append(time: base + 17 * minute + 1, text: "x")
                columns.append(text)
            }
            try commit(n, columns)
        }
        var before: [[HistoryBucket]] = []
        let ranges: [(Int64, Int64, Int64)] = [
            (0, 30 * 60, 1), (0, 30 * 60, 60), (0, 30 * 60, 24 * 60), (17, 29 * 60 + 3, 7), (61, 62, 1),
            (100, 1000, 360),
        ]
        for (from, to, interval) in ranges {
            before.append(
                try await buckets(Epochs.start + from * minute, Epochs.start + to * minute, interval * minute))
        }
        try compact(upTo: Epochs.start + 29 * 60 * minute)
        // Late ones over what is compacted: there statistics do not count.
        for ((from, to, interval), expected) in zip(ranges, before) {
            try Self.compare(
                try await buckets(Epochs.start + from * minute, Epochs.start + to * minute, interval * minute), expected
            )
        }
        try commit(
            n + 1, [Epochs.numbers(key, [(Epochs.start + 90 * minute, 1000), (Epochs.start + 91 * minute + 1, -1000)])])
        let late = try await buckets(Epochs.start + 60 * minute, Epochs.start + 120 * minute, 60 * minute)
        #expect(late.first?.max == 1000 && late.first?.min == -1000)
        try compact(upTo: Epochs.start + 29 * 60 * minute)
        try Self.compare(
            try await buckets(Epochs.start + 60 * minute, Epochs.start + 120 * minute, 60 * minute), late)
    }

    private static func compare(_ found: [HistoryBucket], _ expected: [HistoryBucket]) throws {
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) {
            // Quarters and their sums are exact; the time-weighted average is rounded.
            #expect(a.start == b.start && a.count == b.count && a.skipped == b.skipped)
            #expect(a.min == b.min && a.max == b.max && a.sum == b.sum && a.first == b.first && a.last == b.last)
            #expect(abs((a.timeAverage ?? 0) - (b.timeAverage ?? 0)) < 1e-9)
            #expect((a.timeAverage == nil) == (b.timeAverage == nil))
        }
    }

    @Test func aDayOfTenHertzIsAnsweredWithoutItsSamples() async throws {
        let key = try Epochs.key("a:b", "/x")
        for n in 0..<6 {
            let base = Epochs.start + Int64(n) * 60 * minute
            try commit(Int64(n + 1), [Epochs.numbers(key, (0..<9000).map { (base + $0 * 400_000, Double($0 % 100)) })])
        }
        try compact(upTo: Epochs.start + 360 * minute)
        // Whoever read samples would find nothing now.
        try database.connection.execute("update egiz.history_packed set low2 = null, lags2 = null, numbers = '{}'")
        let found = try await buckets(Epochs.start, Epochs.start + 360 * minute, 10 * minute)
        #expect(found.count == 36)
        #expect(found.allSatisfy { $0.count == 1500 && $0.min == 0 && $0.max == 99 && $0.sum == 74_250 })
    }

    @Test func aLimitEndsTheReading() async throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, (0..<600).map { (Epochs.start + $0 * minute, Double($0)) })])
        for limit in [1, 7, 600, 601] {
            let found = try await buckets(Epochs.start, Epochs.start + 600 * minute, minute, limit: limit)
            #expect(found.count == min(limit, 600) && found.last?.first == Double(min(limit, 600) - 1))
        }
    }
}
