import EgizCore
import EgizTwin
import Testing

@testable import EgizRuntime

/// Which records are too old to be asked about.
@Suite struct CallAgeTests {
    private typealias Desk = CallPlanTests.Desk

    private let away = CallVerdict.unavailable(CallFault("away", "nobody is there"))

    @Test func aRecordThatIsMuchOlderThanTheNewestIsNotAskedAbout() throws {
        let desk = Desk {
            $0.maxAge = 10_000_000
            $0.concurrency = 1
        }
        desk.add(at: 1_000_000)
        let call = try #require(desk.calls().first)
        desk.add(at: 2_000_000)
        desk.add(at: 15_000_000)
        desk.add(at: 1_000_000, partition: 1)
        #expect(
            desk.done().map(\.fault) == ["stale"],
            "only the second; the first is under way, the fourth has its own clock")
        desk.finish(call, away)
        #expect(desk.done().map(\.number) == [1], "it came back without an answer")
        #expect(desk.calls().map(\.numbers) == [[3]])
    }

    /// Times of records are what producers say, of whom one may be an hour ahead, or in the year 2199.
    @Test func aRecordWhoseClockIsAheadMakesNoOtherOld() throws {
        let desk = Desk { $0.maxAge = 120_000_000 }
        desk.add(at: 7_226_582_400_000_000)
        desk.add(at: desk.clock.microseconds)
        #expect(desk.done().isEmpty)
        desk.clock = desk.clock.advanced(byMicroseconds: 180_000_000)
        desk.add(at: desk.clock.microseconds)
        #expect(desk.done().map(\.number) == [2], "by then it is old, and the first one is ahead of everything")
    }

    @Test func aPartitionThatIsReadAgainHasItsOwnNewestRecord() throws {
        let desk = Desk { $0.maxAge = 10_000_000 }
        let last = desk.add(at: 60_000_000, offset: 9)
        desk.plan.drop([last])
        desk.add(at: 1_000_000, offset: 3)
        #expect(desk.done().isEmpty, "what made it old has not come again yet")
        desk.add(at: 60_000_000, offset: 9)
        #expect(desk.done().map(\.fault) == ["stale"])
    }

    @Test func aDeadLetterThatIsTriedAgainIsAskedHoweverOldItIs() throws {
        let desk = Desk {
            $0.maxAge = 10_000_000
            $0.concurrency = 1
        }
        desk.add(at: 60_000_000)
        desk.add(at: 1_000_000, headers: [.init(name: "egiz-retry", value: Array("1".utf8))])
        #expect(desk.done().isEmpty)
        desk.answer(try #require(desk.calls().first))
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.fault) == [nil, nil])
    }
}
