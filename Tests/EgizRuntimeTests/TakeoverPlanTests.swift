import EgizCore
import EgizTwin
import Testing

@testable import EgizRuntime

@Suite struct TakeoverPlanTests {
    private let place = TopicPartition("events", 3)
    private let log = LogIdentity(clusterID: "a", embeddedLog: nil)
    private let mark = RecordMark(offset: 9, timestamp: EventTime(microseconds: 7), crc: 1)

    private func facts(_ stored: Int64?, _ range: Range<Int64>, mark: RecordMark? = nil, found: RecordMark? = nil)
        -> TakeoverPlan.Facts
    {
        .init(
            partition: place, stored: stored.map { NextOffset(stored: $0) }, storedMark: mark,
            watermarks: LogWatermarks(
                start: NextOffset(stored: range.lowerBound), end: NextOffset(stored: range.upperBound)),
            foundMark: found)
    }

    private func plan(
        _ facts: TakeoverPlan.Facts, stored: LogIdentity?, start: SourceDefinition.Start = .earliest,
        onGap: SourceDefinition.OnGap = .fail, log: LogIdentity? = nil
    ) throws -> TakeoverPlan {
        try TakeoverPlan.make(facts: [facts], storedLog: stored, log: log ?? self.log, start: start, onGap: onGap)
    }

    @Test func aStoredPositionInsideTheLogIsTakenAsItIs() throws {
        for position: Int64 in [5, 7, 10] {
            let plan = try plan(facts(position, 5..<10), stored: log)
            #expect(plan.positions == [place: NextOffset(stored: position)])
            #expect(plan.gaps.isEmpty && !plan.mustStore)
        }
    }

    @Test func aTopicNeverReadStartsWhereTheSourceSaysAndStoresThatFirst() throws {
        let earliest = try plan(facts(nil, 5..<10), stored: nil)
        #expect(earliest.positions[place]?.raw == 5 && earliest.mustStore)
        let latest = try plan(facts(nil, 5..<10), stored: log, start: .latest)
        #expect(latest.positions[place]?.raw == 10 && latest.mustStore && latest.gaps.isEmpty)
    }

    @Test(
        arguments: [
            (4, 5, LogGap.Reason.retention), (11, 10, .truncated),
        ] as [(Int64, Int64, LogGap.Reason)])
    func aPositionOutsideTheLogStopsOrIsReported(_ stored: Int64, _ to: Int64, _ reason: LogGap.Reason) throws {
        let facts = facts(stored, 5..<10)
        let error = #expect(throws: EngineError.self) { _ = try plan(facts, stored: log) }
        #expect(error?.code == .gap && error?.retry == .stop && error?.detail == reason.rawValue)
        #expect(error?.message.contains("events[3]") == true)
        let reported = try plan(facts, stored: log, onGap: .report)
        #expect(reported.positions[place]?.raw == to && reported.mustStore)
        #expect(reported.gaps.map(\.reason) == [reason])
        #expect(reported.gaps.first?.from.raw == stored && reported.gaps.first?.to.raw == to)
    }

    @Test func anotherClusterStopsOrStartsAnew() throws {
        let other = LogIdentity(clusterID: "b", embeddedLog: nil)
        let error = #expect(throws: EngineError.self) { _ = try plan(facts(7, 5..<10), stored: other) }
        #expect(error?.detail == "cluster")
        let reported = try plan(facts(7, 5..<10), stored: other, onGap: .report)
        #expect(reported.positions[place]?.raw == 5)
        #expect(reported.gaps.map(\.reason) == [.cluster])
    }

    @Test func whatTheEmbeddedLogEvictedIsReportedBecauseStoppingWouldLoseTheRest() throws {
        let embedded = LogIdentity(clusterID: "heap", embeddedLog: "one")
        let reported = try plan(facts(2, 5..<10), stored: embedded, log: embedded)
        #expect(reported.positions[place]?.raw == 5 && reported.mustStore)
        #expect(reported.gaps.map(\.reason) == [.retention])
        // Beyond the end nothing can have been evicted: that stays an error.
        #expect(throws: EngineError.self) { _ = try plan(facts(11, 5..<10), stored: embedded, log: embedded) }
        // Nothing had been read of the old log: nothing is put aside.
        let fresh = LogIdentity(clusterID: "heap", embeddedLog: "two")
        let anew = try plan(facts(0, 0..<10), stored: embedded, log: fresh)
        #expect(anew.gaps.isEmpty && anew.mustStore)
    }

    @Test func aNewEmbeddedLogIsNoErrorAndPutsTheOffsetsAside() throws {
        let old = LogIdentity(clusterID: "heap", embeddedLog: "one")
        let new = LogIdentity(clusterID: "heap", embeddedLog: "two")
        let plan = try plan(facts(7, 0..<10), stored: old, log: new)
        #expect(plan.positions[place]?.raw == 0 && plan.mustStore)
        #expect(plan.gaps.map(\.reason) == [.embedded])
    }

    @Test func fromAnEmbeddedLogToARealKafkaIsAGap() throws {
        let embedded = LogIdentity(clusterID: "heap", embeddedLog: "one")
        #expect(throws: EngineError.self) { _ = try plan(facts(7, 0..<10), stored: embedded) }
        #expect(throws: EngineError.self) { _ = try plan(facts(7, 0..<10), stored: log, log: embedded) }
    }

    @Test func theEmbeddedLogIsKnownByItsTopicAndNotByTheClusterId() throws {
        let before = LogIdentity(clusterID: "heap1", embeddedLog: "one")
        let after = LogIdentity(clusterID: "heap2", embeddedLog: "one")
        let plan = try plan(facts(7, 0..<10), stored: before, log: after)
        #expect(plan.gaps.isEmpty && plan.positions[place]?.raw == 7)
        #expect(plan.mustStore, "the new cluster id must be stored")
    }

    @Test func anotherRecordAtTheLastOffsetMeansThatTheTopicWasMadeAnew() throws {
        var other = mark
        other.crc = 2
        let same = try plan(facts(10, 5..<12, mark: mark, found: mark), stored: log)
        #expect(same.gaps.isEmpty)
        let gone = try plan(facts(10, 10..<12, mark: mark, found: nil), stored: log)
        #expect(gone.gaps.isEmpty)
        let error = #expect(throws: EngineError.self) {
            _ = try plan(facts(10, 5..<12, mark: mark, found: other), stored: log)
        }
        #expect(error?.detail == "recreated")
        let reported = try plan(facts(10, 5..<12, mark: mark, found: other), stored: log, onGap: .report)
        #expect(reported.positions[place]?.raw == 5)
    }
}
