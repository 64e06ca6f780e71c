import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

/// Wide blocks: many series with few samples each share a row, and are read like any other.
@Suite struct HistoryBlockTests {
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

    @Test func aHundredMachinesWithASampleEachShareARow() throws {
        let keys = try (0..<100).map { try Epochs.key("a:\($0)", "/x") }
        try commit(1, keys.enumerated().map { Epochs.numbers($1, [(Epochs.start + Int64($0), Double($0))]) })
        #expect(try database.count("history_segment") == 0)
        #expect(try database.count("history_block") == 1)
        for (index, key) in keys.enumerated() {
            let expected = ["/x@\(Epochs.start + Int64(index)) number \(Double(index))"]
            #expect(try database.history(key.thing.text) == expected)
            #expect(try database.history(key.thing.text, "/x", from: Epochs.start, to: Epochs.start + 100) == expected)
        }
        let size = try database.connection.query(
            "select pg_column_size(members) + pg_column_size(lags) + pg_column_size(numbers) from egiz.history_block")
        #expect((size.first?.int64(0) ?? .max) < 100 * 15)
    }

    @Test func everyKindGoesIntoABlockOfItsOwn() throws {
        var columns: [SeriesColumn] = []
        for index in 0..<20 {
            let time = Epochs.start + Int64(index) * 1000
            for kind in SampleKind.allCases {
                let column = SeriesColumn(series: try Epochs.key("a:\(index)", "/\(kind.name)"), kind: kind)
                switch kind {
                case .number where index == 3:
                    column.append(time: time, number: 9_007_199_254_740_992, exactly: "9007199254740993")
                case .number: column.append(time: time, number: 0.5)
                case .boolean: column.append(time: time, number: 1)
                case .text: column.append(time: time, text: "t\(index)")
                case .json: column.append(time: time, text: "[\(index)]")
                case .null, .absent: column.append(time: time)
                }
                columns.append(column)
            }
        }
        try commit(1, columns)
        #expect(try database.count("history_block") == 6)
        let time = Epochs.start + 3000
        #expect(
            try database.history("a:3") == [
                "/absent@\(time) absent", "/boolean@\(time) boolean true", "/json@\(time) json [3]",
                "/null@\(time) null",
                "/number@\(time) number 9007199254740992.0 9007199254740993", "/text@\(time) text t3",
            ])
    }

    @Test func acrossSegmentsAndBlocksTheLaterEpochWins() throws {
        let keys = try (0..<10).map { try Epochs.key("a:\($0)", "/x") }
        try commit(1, [Epochs.numbers(keys[0], [(Epochs.start, 1), (Epochs.start + 1, 1)])])
        try commit(2, keys.map { Epochs.numbers($0, [(Epochs.start + 1, 2)]) })
        try commit(3, [Epochs.numbers(keys[1], [(Epochs.start + 1, 3)])])
        #expect(try database.history("a:0") == ["/x@\(Epochs.start) number 1.0", "/x@\(Epochs.start + 1) number 2.0"])
        #expect(try database.history("a:1") == ["/x@\(Epochs.start + 1) number 3.0"])
    }

    @Test func longPiecesAndFewStaySegments() throws {
        let keys = try (0..<20).map { try Epochs.key("a:\($0)", "/x") }
        try commit(1, keys.prefix(7).map { Epochs.numbers($0, [(Epochs.start, 1)]) })
        #expect(try database.count("history_block") == 0)
        let long = Epochs.numbers(keys[19], (0..<9).map { (Epochs.start + $0, 1) })
        try commit(2, keys.prefix(19).map { Epochs.numbers($0, [(Epochs.start + 1, 1)]) } + [long])
        #expect(try database.count("history_block") == 1)
        #expect(try database.count("history_segment") == 8)
    }

    @Test func timesTooFarApartMakeSeveralBlocks() throws {
        let keys = try (0..<40).map { try Epochs.key("a:\($0)", "/x") }
        // Microseconds reach 35 minutes; these lie an hour apart, ten to an hour.
        try commit(
            1,
            keys.enumerated().map {
                Epochs.numbers($1, [(Epochs.start + Int64($0 / 10) * 3_600_000_000 + 1, Double($0))])
            })
        #expect(try database.count("history_block") == 4)
        for (index, key) in keys.enumerated() {
            let time = Epochs.start + Int64(index / 10) * 3_600_000_000 + 1
            #expect(try database.history(key.thing.text) == ["/x@\(time) number \(Double(index))"])
        }
        // Whole milliseconds reach the whole day.
        try commit(
            2,
            keys.enumerated().map { Epochs.numbers($1, [(Epochs.start + Int64($0 / 10) * 3_600_000_000, Double($0))]) })
        #expect(try database.count("history_block") == 5)
    }

    @Test func anErasedThingLeavesItsBlocks() throws {
        let keys = try (0..<10).map { try Epochs.key("a:\($0)", "/x") }
        try commit(1, keys.map { Epochs.numbers($0, [(Epochs.start, 1)]) })
        let other = try database.history("a:4")
        let report = try ThingErasure(database.connection).erase(keys[3].thing, by: nil)
        #expect(report["history_block"] == 1)
        let left = try database.connection.query(
            "select n, cardinality(members), cardinality(numbers) from egiz.history_block")
        #expect(left.first?.int64(0) == 9 && left.first?.int64(1) == 9 && left.first?.int64(2) == 9)
        #expect(try database.history("a:3") == [])
        #expect(try database.history("a:4") == other)
    }
}
