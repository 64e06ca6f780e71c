import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

@Suite struct HistoryTests {
    let database: TestDatabase
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, _ columns: [SeriesColumn]) throws {
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, n)], columns)).isCommitted)
    }

    @Test func everyKindIsReadBackAsItself() throws {
        let t = Epochs.start
        let number = SeriesColumn(series: try Epochs.key("a:b", "/number"), kind: .number)
        number.append(time: t, number: 0.1)
        number.append(time: t + 1, number: 9_007_199_254_740_992, exactly: "9007199254740993")
        let text = SeriesColumn(series: try Epochs.key("a:b", "/text"), kind: .text)
        text.append(time: t, text: "grün \"x\"\n")
        let boolean = SeriesColumn(series: try Epochs.key("a:b", "/boolean"), kind: .boolean)
        boolean.append(time: t, number: 0)
        boolean.append(time: t + 1, number: 1)
        let json = SeriesColumn(series: try Epochs.key("a:b", "/json"), kind: .json)
        json.append(time: t, text: #"["\u0000",1.0]"#)
        let null = SeriesColumn(series: try Epochs.key("a:b", "/null"), kind: .null)
        null.append(time: t)
        let absent = SeriesColumn(series: try Epochs.key("a:b", "/null"), kind: .absent)
        absent.append(time: t + 1)
        try commit(1, [number, text, boolean, json, null, absent])
        let expected = [
            "/boolean@\(t) boolean false", "/boolean@\(t + 1) boolean true", #"/json@\#(t) json ["\u0000",1.0]"#,
            "/null@\(t) null", "/null@\(t + 1) absent", "/number@\(t) number 0.1",
            "/number@\(t + 1) number 9007199254740992.0 9007199254740993", "/text@\(t) text grün \"x\"\n",
        ]
        #expect(try database.history("a:b") == expected)
        for path in ["/boolean", "/json", "/null", "/number", "/text"] {
            #expect(
                try database.history("a:b", path, from: t, to: t + 2) == expected.filter { $0.hasPrefix(path + "@") })
        }
    }

    @Test func ofEqualTimesTheLaterEpochWins() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(Epochs.start, 1), (Epochs.start + 5, 1)])])
        let text = SeriesColumn(series: key, kind: .text)
        text.append(time: Epochs.start + 5, text: "two")
        try commit(2, [text])
        try commit(3, [Epochs.numbers(key, [(Epochs.start - 7, 3), (Epochs.start, 3)])])
        let expected = [
            "/x@\(Epochs.start - 7) number 3.0", "/x@\(Epochs.start) number 3.0", "/x@\(Epochs.start + 5) text two",
        ]
        #expect(try database.history("a:b") == expected)
        #expect(try database.history("a:b", "/x", from: Epochs.start - 7, to: Epochs.start + 6) == expected)
    }

    @Test func theRangeOfTheFunctionIsHalfOpen() throws {
        try commit(1, [Epochs.numbers(try Epochs.key("a:b", "/x"), (0..<4).map { (Epochs.start + $0, Double($0)) })])
        #expect(
            try database.history("a:b", "/x", from: Epochs.start + 1, to: Epochs.start + 3)
                == ["/x@\(Epochs.start + 1) number 1.0", "/x@\(Epochs.start + 2) number 2.0"])
    }

    @Test func noSegmentSpansADayOrCrossesAPartition() throws {
        let week = HistoryInterval.length
        let boundary = HistoryInterval.start(of: HistoryInterval.number(of: Epochs.start) + 1)
        let times = [
            boundary - week - 1, boundary - week, boundary - HistoryInterval.day - 1, boundary - HistoryInterval.day,
            boundary - 1, boundary, boundary + HistoryInterval.day - 1, boundary + HistoryInterval.day, -1, 0,
        ]
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, times.map { ($0, Double($0)) })])
        let odd = try database.connection.query(
            """
            select count(*) filter (where t_last - t_first >= interval '1 day'),
                count(*) filter (where floor(extract(epoch from t_first) / 604800) <> floor(extract(epoch from t_last) / 604800)),
                sum(n) from egiz.history_segment
            """)
        #expect(odd.first?.int64(0) == 0)
        #expect(odd.first?.int64(1) == 0)
        #expect(odd.first?.int64(2) == Int64(times.count))
        for time in times {
            #expect(
                try database.history("a:b", "/x", from: time, to: time + 1) == ["/x@\(time) number \(Double(time))"])
        }
    }

    @Test func aLongColumnIsCutIntoRowsOfBoundedSize() {
        let times = (0..<25_000).map { Epochs.start + Int64($0) }
        #expect(Segments.split(times).map(\.count) == [10_000, 10_000, 5000])
        #expect(Segments.split([]).isEmpty)
        #expect(Segments.split([5]) == [0..<1])
    }

    @Test func partitionsAreNamedByTheDayTheyBegin() {
        #expect(HistoryInterval.tableName(of: 0) == "history_segment_19700101")
        #expect(HistoryInterval.tableName(of: -1) == "history_segment_19691225")
        #expect(HistoryInterval.tableName(of: HistoryInterval.number(of: Epochs.start)) == "history_segment_20260101")
        // 2000-02-29 lies in the week from the 24th.
        #expect(
            HistoryInterval.tableName(of: HistoryInterval.number(of: 951_782_400_000_000)) == "history_segment_20000224"
        )
    }

    @Test func viewAndFunctionAgreeWithTheSamplesWritten() throws {
        var random = SeededGenerator(seed: 20_260_101)
        let keys = try ["/a", "/b"].map { try Epochs.key("a:b", $0) }
        var expected: [String: [Int64: String]] = [:]
        for n in 1...30 {
            var columns: [SeriesColumn] = []
            for key in keys where Bool.random(using: &random) {
                // Close together, so that times repeat; now and then far away, so that partitions change.
                let base = Epochs.start + Int64.random(in: 0...3, using: &random) * 3 * HistoryInterval.day
                let samples = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                    (
                        base + Int64.random(in: 0...9, using: &random) * 7_200_000_000,
                        Double(Int.random(in: 0...99, using: &random))
                    )
                }
                columns.append(Epochs.numbers(key, samples))
                for (time, number) in samples {
                    expected[key.path, default: [:]][time] = "\(key.path)@\(time) number \(number)"
                }
            }
            try commit(Int64(n), columns)
        }
        let all = keys.flatMap { key in (expected[key.path] ?? [:]).sorted { $0.key < $1.key }.map(\.value) }
        #expect(try database.history("a:b") == all)
        for _ in 0..<50 {
            let key = keys[Int.random(in: 0...1, using: &random)]
            let from = Epochs.start + Int64.random(in: -1...300, using: &random) * 3_600_000_000
            let to = from + Int64.random(in: 0...200, using: &random) * 3_600_000_000
            let within = (expected[key.path] ?? [:]).filter { $0.key >= from && $0.key < to }
            #expect(
                try database.history("a:b", key.path, from: from, to: to)
                    == within.sorted { $0.key < $1.key }.map(\.value))
        }
    }

    @Test func aYearOfPartitionsIsPruned() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, (0..<52).map { (Epochs.start + Int64($0) * HistoryInterval.length, 1) })])
        let plan = try database.connection.query(
            """
            explain (analyze, costs off, timing off, summary off)
            select * from egiz.history('a:b', '/x', '2026-06-01', '2026-06-02')
            """
        ).compactMap { $0.text(0) }
        #expect(plan.contains { $0.contains("Subplans Removed") }, "\(plan)")
        #expect(plan.count { $0.contains("on history_segment_") } == 1, "\(plan)")
        #expect(plan.contains { $0.contains("Index Cond: ((series_id = ") }, "\(plan)")
    }

    @Test func twoWritersGiveASeriesOneID() throws {
        let other = try #require(
            database.store("b").acquire(
                [Epochs.task(0, StageName(topology: "x", source: "y"))], partitions: 1, topologyVersion: 1
            )
            .first)
        let a = try Epochs.key("a:b", "/x")
        let b = try Epochs.key("a:b", "/x")
        // Composed and decomposed look alike and are two series.
        let composed = try Epochs.key("a:b", "/\u{E9}")
        let decomposed = try Epochs.key("a:b", "/e\u{301}")
        try commit(1, [a, composed, decomposed].map { Epochs.numbers($0, [(Epochs.start, 1)]) })
        _ = try database.writer("b").commit(
            Epochs.write([Epochs.advance(other, 1)], [Epochs.numbers(b, [(Epochs.start + 1, 2)])]))
        #expect(a.databaseID != nil)
        #expect(a.databaseID == b.databaseID)
        #expect(composed.databaseID != decomposed.databaseID)
        #expect(try database.count("series") == 3)
    }

    @Test func aDroppedPartitionIsMadeAgain() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(Epochs.start, 1)])])
        try database.connection.execute("drop table egiz.history_segment_20260101")
        let epoch = Epochs.write([Epochs.advance(lease, 2)], [Epochs.numbers(key, [(Epochs.start, 2)])])
        let error = #expect(throws: EngineError.self) { try writer.commit(epoch) }
        #expect(error?.retry == .backoff)
        #expect(try writer.commit(epoch).isCommitted)
        #expect(try database.history("a:b") == ["/x@\(Epochs.start) number 2.0"])
    }

    @Test func timesOverFiveHundredWeeksAreAllKeptSomePartitionsACommit() throws {
        let key = try Epochs.key("a:b", "/x")
        let week = HistoryInterval.length
        let epoch = Epochs.write(
            [Epochs.advance(lease, 1)],
            [Epochs.numbers(key, (0..<500).map { (Epochs.start - Int64($0) * week, Double($0)) })])
        var made: [Int64] = []
        while made.count < 20 {
            do {
                #expect(try writer.commit(epoch).isCommitted)
                break
            } catch {
                #expect(error.retry == .backoff && error.code == .postgres, "\(error)")
                made.append(try partitions())
                #expect(error.message.contains("\(500 - (made.last ?? 0)) more weekly partitions"), "\(error)")
            }
        }
        #expect(made == (1...7).map { Int64($0 * HistoryPartitions.mostACommit) })
        #expect(try partitions() == 500)
        let rows = try database.connection.query("select count(*), sum(number) from egiz.history")
        #expect(rows.first?.int64(0) == 500)
        #expect(rows.first?.double(1) == Double(499 * 500 / 2))
    }

    private func partitions() throws -> Int64 {
        try database.connection.query(
            "select count(*) from pg_inherits where inhparent = 'egiz.history_segment'::regclass"
        ).first?.int64(0) ?? -1
    }

    @Test func aPartitionThatWasDetachedAndNotDroppedIsNamedWithWhatToDo() throws {
        let key = try Epochs.key("a:b", "/x")
        try commit(1, [Epochs.numbers(key, [(Epochs.start, 1)])])
        try database.connection.execute(
            "alter table egiz.history_segment detach partition egiz.history_segment_20260101")
        let epoch = Epochs.write([Epochs.advance(lease, 2)], [Epochs.numbers(key, [(Epochs.start + 1, 2)])])
        // Retention may be about to drop it: that is waited for, a while.
        var errors: [EngineError] = []
        while errors.last?.retry != .stop, errors.count < 30 {
            do {
                _ = try writer.commit(epoch)
                Issue.record("committed without its partition")
                break
            } catch { errors.append(error) }
        }
        let error = try #require(errors.last)
        #expect(error.retry == .stop && errors.dropLast().allSatisfy { $0.retry == .backoff })
        #expect(errors.count > 3)
        #expect(error.message.contains("`drop table egiz.history_segment_20260101`"), "\(error)")
        // What the message offers works.
        let parts = error.message.split(separator: "`")
        let attach = try #require(parts.first { $0.hasPrefix("alter table") })
        try database.connection.execute(String(attach))
        #expect(try writer.commit(epoch).isCommitted)
        #expect(
            try database.history("a:b") == ["/x@\(Epochs.start) number 1.0", "/x@\(Epochs.start + 1) number 2.0"])
    }
}
