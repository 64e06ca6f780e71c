import EgizCore
import Testing

@testable import EgizPostgres

@Suite struct SlotPlanTests {
    private let day: Int64 = 86_400_000_000
    private let hour: Int64 = 3_600_000_000
    private let minute: Int64 = 60_000_000
    private var start: Int64 { 20_000 * day }

    private func known(_ first: Int64, _ last: Int64, _ count: Int, _ kind: Int16 = 1) -> SlotPlan.Known {
        .init(first: start + first, last: start + last, count: count, kind: kind)
    }

    @Test func tenSamplesASecondMakeSegmentsOfAMinute() {
        let times = (0..<6000).map { start + Int64($0) * 100_000 }
        let plan = SlotPlan(times: times, known: [], closed: start + 10 * minute)
        #expect(plan.rewrites.map(\.fresh) == (0..<10).map { $0 * 600..<($0 + 1) * 600 })
    }

    @Test func anOpenHourIsNotMergedYet() {
        let times = (0..<10).map { start + 50 * minute + Int64($0) * minute }
        let before = (0..<5).map { known(Int64($0) * 10 * minute, (Int64($0) * 10 + 9) * minute, 10) }
        let open = SlotPlan(times: Array(times.prefix(5)), known: before, closed: start + 55 * minute)
        #expect(open.rewrites == (0..<5).map { .init(fresh: $0..<($0 + 1), known: []) })
        let closed = SlotPlan(times: times, known: before, closed: start + hour)
        #expect(closed.rewrites == [.init(fresh: 0..<10, known: [0, 1, 2, 3, 4])])
    }

    @Test func aFullDayIsDividedWhereItHoldsTooMany() {
        // One a minute: 1440 a day are too many for one segment, 360 in six hours are not.
        let times = (0..<1440).map { start + Int64($0) * minute }
        let plan = SlotPlan(times: times, known: [], closed: start + day)
        #expect(plan.rewrites.map(\.fresh.count) == [360, 360, 360, 360])
    }

    @Test func whatIsAsGoodAsItGetsStays() {
        let kinds = [known(0, hour, 20, 1), known(5, hour - 5, 3, 6)]
        #expect(SlotPlan(times: [], known: kinds, closed: start + day).rewrites.isEmpty)
        let halves = [known(0, hour, 20), known(2 * hour, 3 * hour, 20)]
        #expect(
            SlotPlan(times: [], known: halves, closed: start + day).rewrites
                == [.init(fresh: 0..<0, known: [0, 1])])
    }

    @Test func longTextsAreNotMergedBeyondTheirBytes() {
        var halves = [known(0, hour - 1, 20), known(2 * hour, 3 * hour - 1, 20)]
        for index in halves.indices { halves[index].textBytes = 600_000 }
        #expect(SlotPlan(times: [], known: halves, closed: start + day).rewrites.isEmpty)
        let times = [start + 20 * minute, start + 50 * minute]
        let light = SlotPlan(times: times, textBytes: [0, 500, 1000], known: [], closed: start + day)
        #expect(light.rewrites.map(\.fresh) == [0..<2])
        let heavy = SlotPlan(times: times, textBytes: [0, 600_000, 1_200_000], known: [], closed: start + day)
        #expect(heavy.rewrites.map(\.fresh) == [0..<1, 1..<2])
    }

    @Test func aSegmentThatIsInTheWayIsOpenedFirst() {
        let whole = known(0, day - 1, 950)
        let late = (0..<100).map { start + 7 * hour + Int64($0) }
        let plan = SlotPlan(times: late, known: [whole], closed: start + day)
        #expect(plan.opened == [0] && plan.rewrites.isEmpty)
    }

    @Test func moreThanAThousandASecondStayTogether() {
        let times = (0..<3000).map { start + Int64($0) * 100 }
        let plan = SlotPlan(times: times, known: [], closed: start + minute)
        #expect(plan.rewrites == [.init(fresh: 0..<3000, known: [])])
    }

    @Test func timesBefore1970HaveTheirPlace() {
        #expect(IntervalLadder.start(of: -1, minute) == -minute)
        let plan = SlotPlan(times: [-1, 0], known: [], closed: day)
        #expect(plan.rewrites.map(\.fresh) == [0..<1, 1..<2])
    }
}
