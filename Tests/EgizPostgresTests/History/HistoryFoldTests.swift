import EgizCore
import Testing

@testable import EgizPostgres

@Suite struct HistoryFoldTests {
    @Test func anAverageOverTimeThatFloat8CannotHoldIsNone() {
        var fold = HistoryFold(interval: 10_000_000, from: 0, to: 20_000_000, held: nil)
        fold.add(time: 0, kind: .number, number: .greatestFiniteMagnitude)
        fold.add(time: 10_000_000, kind: .number, number: 2)
        fold.finish()
        let buckets = fold.buckets
        #expect(buckets.map(\.timeAverage) == [nil, 2])
        #expect(buckets.map(\.count) == [1, 1])
    }
}
