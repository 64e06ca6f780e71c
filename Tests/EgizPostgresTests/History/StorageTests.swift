import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

/// What a sample costs on disk, indexes included.
@Suite struct StorageTests {
    private func size(_ database: TestDatabase, _ table: String) throws -> Double {
        let rows = try database.connection.query(
            "select sum(pg_total_relation_size(relid))::float8 from pg_partition_tree('egiz.\(table)')")
        return rows.first?.double(0) ?? .infinity
    }

    @Test func aRegularSensorTakesTwentyBytesBeforeAndFewAfterCompaction() throws {
        let database = try TestDatabase()
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let writer = database.writer()
        let keys = try (0..<10).map { try Epochs.key("a:\($0)", "/x") }
        var random = SeededGenerator(seed: 3)
        let each = 400
        let epochs = 60
        for n in 0..<epochs {
            let columns = keys.enumerated().map { index, key in
                Epochs.numbers(
                    key,
                    (0..<each).map { place in
                        let time = Epochs.start + Int64(n * each + place) * 100_000
                        // Half of them decimals of a sensor, half doubles of full precision.
                        let noise = Double.random(in: 0...4, using: &random)
                        return (time, index < 5 ? (2000 + noise * 100).rounded() / 100 : 20 + noise)
                    })
            }
            #expect(try writer.commit(Epochs.write([Epochs.advance(lease, Int64(n + 1))], columns)).isCommitted)
        }
        let samples = Double(each * epochs * keys.count)
        let before = try size(database, "history_segment") / samples
        #expect(before < 20, "\(before) bytes a sample before compaction")
        _ = try HistoryCompactor(database.connection).pass(
            upTo: EventTime(microseconds: Epochs.start + HistoryInterval.day)
        ) { _, _ in true }
        let after = try size(database, "history_packed") / samples
        #expect(after < 8, "\(after) bytes a sample after compaction")
        print("bytes a sample: \(before) before, \(after) after compaction")
    }
}
