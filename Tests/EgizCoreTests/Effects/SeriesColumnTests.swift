import EgizTesting
import EgizTwin
import TestSupport
import Testing

@testable import EgizCore

@Suite struct SeriesColumnTests {
    private func column(_ kind: SampleKind = .number) throws -> SeriesColumn {
        SeriesColumn(series: SeriesKey(thing: try ThingID(validating: "t:a"), path: "/x"), kind: kind)
    }

    @Test func sealingSortsByTimeAndKeepsTheLastOfEqualTimes() throws {
        let column = try column()
        for (time, number) in [(5, 1.0), (3, 2.0), (5, 3.0), (4, 4.0), (3, 5.0)] {
            column.append(time: Int64(time), number: number)
        }
        column.seal()
        #expect(column.times == [3, 4, 5])
        #expect(column.numbers == [5, 4, 3])
    }

    @Test func exactLiteralsStayWithTheirNumbers() throws {
        let column = try column()
        column.append(time: 3, number: 3)
        column.append(time: 1, number: 1, exactly: "one")
        column.append(time: 2, number: 2)
        #expect(column.texts == [nil, "one", nil])
        column.seal()
        #expect(column.times == [1, 2, 3])
        #expect(column.texts == ["one", nil, nil])
        #expect(column.numbers == [1, 2, 3])
    }

    @Test func keepingTakesTextsAndNumbersAlong() throws {
        let column = try column()
        for time in [1, 3, 2] { column.append(time: Int64(time), number: Double(time), exactly: "\(time)") }
        column.keep([0, 2])
        #expect(column.times == [1, 2])
        #expect(column.numbers == [1, 2])
        #expect(column.texts == ["1", "2"])
    }

    @Test func anEmptiedColumnKeepsNothingOfItsPast() throws {
        let column = try column()
        column.append(time: 2, number: 1, exactly: "x")
        column.append(time: 1, number: 1)
        column.removeAll()
        column.append(time: 1, number: 7)
        column.seal()
        #expect(column.times == [1] && column.numbers == [7] && column.texts.isEmpty)
    }

    @Test(arguments: 0..<40)
    func columnsOfOneSeriesNeverShareATimeWhateverTheKinds(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let slot = SeriesSlot(key: SeriesKey(thing: try ThingID(validating: "t:a"), path: "/x"))
        for _ in 0..<3 {
            var open = EpochColumns()
            var last: [Int64: LeafValue] = [:]
            for n in 0..<Int.random(in: 0..<60, using: &random) {
                let time = Int64.random(in: 0..<20, using: &random)
                let value: LeafValue =
                    [
                        .number(Double(n) + 0.5), .integer(Int64(n)), .integer(.max - Int64(n)), .boolean(n % 2 == 0),
                        .text("t\(n)"),
                        .json("[\(n)]"), .null, .absent,
                    ].randomElement(using: &random) ?? .null
                open.add(value, at: time, to: slot)
                last[time] = value
            }
            open.detach()
            var found: [Int64: LeafValue] = [:]
            for column in open.columns {
                #expect(zip(column.times, column.times.dropFirst()).allSatisfy { $0 < $1 })
                for index in column.times.indices {
                    #expect(found.updateValue(value(column, index), forKey: column.times[index]) == nil)
                }
            }
            #expect(found == last.mapValues(normal))
            open.recycle()
        }
    }

    @Test func aSeriesOfOneKindHasNoMix() throws {
        let slot = SeriesSlot(key: SeriesKey(thing: try ThingID(validating: "t:a"), path: "/x"))
        var open = EpochColumns()
        for time in [3, 1, 2, 2] as [Int64] { open.add(.number(1), at: time, to: slot) }
        #expect(slot.mix == nil)
        open.add(.null, at: 2, to: slot)
        #expect(slot.mix != nil)
        open.detach()
        #expect(slot.mix == nil)
    }

    /// Samples whose times run backwards while the kind alternates: searching the other column for each would compare
    /// 2,500,000,000 times. The time limit only ends a test that would not end.
    @Test(.timeLimit(.minutes(1))) func alternatingKindsCostNoMoreThanSorting() throws {
        let slot = SeriesSlot(key: SeriesKey(thing: try ThingID(validating: "t:a"), path: "/x"))
        var open = EpochColumns()
        let count = 100_000
        for n in 0..<count {
            open.add(n % 2 == 0 ? .number(Double(n)) : .boolean(true), at: Int64(count - n), to: slot)
        }
        let mix = try #require(slot.mix)
        open.detach()
        #expect(open.columns.map(\.count) == [count / 2, count / 2])
        #expect(mix.comparisons < count * 40, "\(mix.comparisons)")
    }

    private func value(_ column: SeriesColumn, _ index: Int) -> LeafValue {
        switch column.kind {
        case .number:
            if !column.texts.isEmpty, let text = column.texts[index], let exact = Int64(text) { return .integer(exact) }
            return .number(column.numbers[index])
        case .boolean: return .boolean(column.numbers[index] == 1)
        case .text: return .text(column.texts[index] ?? "?")
        case .json: return .json(column.texts[index] ?? "?")
        case .null: return .null
        case .absent: return .absent
        }
    }

    private func normal(_ value: LeafValue) -> LeafValue {
        if case .integer(let integer) = value, let exact = Double(exactly: integer) { return .number(exact) }
        return value
    }
}
