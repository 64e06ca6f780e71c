import EgizCore
import Testing

@testable import EgizRuntime

@Suite struct EpochPipelineTests {
    private let start = ContinuousClock.now
    private let policy = CommitPolicy(interval: .milliseconds(100), maxRecords: 10, maxBytes: 1000)

    @Test func nothingIsClosedWithoutWork() {
        let pipeline = EpochPipeline(policy: policy)
        #expect(pipeline.next(now: start, openRecords: 0, openBytes: 0) == .poll(EpochPipeline.idlePoll))
    }

    @Test func theFirstWorkIsCommittedAtOnce() {
        let pipeline = EpochPipeline(policy: policy)
        #expect(pipeline.next(now: start, openRecords: 1, openBytes: 1) == .close)
    }

    @Test func theNextEpochClosesWhenTheOneBeforeIsDoneAndTheIntervalHasPassed() {
        var pipeline = EpochPipeline(policy: policy)
        pipeline.closed(at: start)
        #expect(pipeline.isCommitting)
        let late = start.advanced(by: .seconds(1))
        #expect(pipeline.next(now: late, openRecords: 5, openBytes: 5) == .poll(.milliseconds(2)))
        pipeline.finished()
        let soon = start.advanced(by: .milliseconds(30))
        #expect(pipeline.next(now: soon, openRecords: 5, openBytes: 5) == .poll(.milliseconds(70)))
        #expect(pipeline.next(now: start.advanced(by: .milliseconds(100)), openRecords: 5, openBytes: 5) == .close)
    }

    @Test func aFullEpochClosesAtOnceAndWaitsForTheOneBefore() {
        var pipeline = EpochPipeline(policy: policy)
        pipeline.closed(at: start)
        #expect(pipeline.next(now: start, openRecords: 10, openBytes: 0) == .await)
        #expect(pipeline.next(now: start, openRecords: 1, openBytes: 1000) == .await)
        pipeline.finished()
        #expect(pipeline.next(now: start, openRecords: 10, openBytes: 0) == .close)
        #expect(pipeline.next(now: start, openRecords: 1, openBytes: 1000) == .close)
    }

    /// However long the interval, people see within half a second and a commit what became of their change.
    @Test func whatComesOfAChangeOfRulesDoesNotWaitForALongInterval() {
        var pipeline = EpochPipeline(policy: CommitPolicy(interval: .seconds(60), maxRecords: 10, maxBytes: 1000))
        pipeline.closed(at: start)
        pipeline.finished()
        let soon = start.advanced(by: .milliseconds(499))
        #expect(pipeline.next(now: soon, openRecords: 1, openBytes: 1, isHasty: true) == .poll(.milliseconds(1)))
        let due = start.advanced(by: .milliseconds(500))
        #expect(pipeline.next(now: due, openRecords: 1, openBytes: 1, isHasty: true) == .close)
        #expect(pipeline.next(now: due, openRecords: 1, openBytes: 1) == .poll(EpochPipeline.idlePoll))
    }

    @Test func aPollNeverWaitsLongerThanAStopMayTakeToBeNoticed() {
        var pipeline = EpochPipeline(policy: CommitPolicy(interval: .seconds(60), maxRecords: 10, maxBytes: 1000))
        pipeline.closed(at: start)
        pipeline.finished()
        #expect(pipeline.next(now: start, openRecords: 1, openBytes: 1) == .poll(EpochPipeline.idlePoll))
    }
}
