import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// What commits may suffer: each test ends with the store equal to a fold of the log.
@Suite struct CommitFaultTests {
    @Test func postgresAwayInTheMiddleLosesAndDoublesNothing() async throws {
        let bench = Bench(partitions: 2)
        bench.push(0..<50)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.setAway(true)
        let attempts = bench.store.commitAttempts
        bench.push(50..<150)
        #expect(await bench.store.eventually { $0.commitAttempts > attempts })
        #expect(bench.store.counters(of: bench.stage)["records"] == 50)
        bench.store.setAway(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func postgresAwayAtTheStartOnlyDelays() async throws {
        let bench = Bench()
        bench.push(0..<20)
        bench.store.setAway(true)
        let worker = bench.worker()
        #expect(await bench.store.eventually { $0.refusedCalls > 1 })
        #expect(worker.isWaiting)
        bench.store.setAway(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aCommitThatLandedWithoutAnAnswerIsNotDoneTwice() async throws {
        let bench = Bench()
        bench.store.plan([.answerIsLost, .failsBeforeLanding, .answerIsLost])
        bench.push(0..<30)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.push(30..<60)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(bench.store.commitAttempts > bench.store.committedEpochs.count)
    }

    @Test func aFencedTaskIsDroppedAndTheOthersGoBackToTheirCommittedPositions() async throws {
        let bench = Bench(partitions: 2)
        let worker = bench.worker { $0.sessionTimeout = .seconds(60) }
        for n in 0..<10 { bench.push("t:a", n, partition: 0) }
        for n in 10..<20 { bench.push("t:b", n, partition: 1) }
        #expect(await bench.caughtUp())
        let thief = bench.task(0)
        let kept = bench.task(1)
        bench.store.holdCommits()
        // An epoch of both tasks is in commit when the thief comes.
        bench.push("t:a", 30, partition: 0)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.push("t:b", 40, partition: 1)
        bench.push("t:a", 31, partition: 0)
        #expect(await bench.log.eventually { $0.polledPastEnd(TopicPartition("events", 1)) })
        bench.store.steal(thief)
        bench.store.letCommitsGo()
        #expect(await bench.store.eventually { $0.position(of: kept, topic: "events") == 11 })
        #expect(bench.store.position(of: thief, topic: "events") == 10, "a zombie wrote")
        #expect(bench.store.task(thief)?.owner == "thief")
        #expect(bench.log.seeks(of: TopicPartition("events", 1)) == [NextOffset(stored: 10)])
        try await worker.stop()
        #expect(bench.store.writtenSamples(.init("t:b", "/features/f/properties/x")).count == 11)
    }

    @Test func aFencedTaskIsTakenOverAgainWhereTheGroupStillGivesItToUs() async throws {
        let bench = Bench(partitions: 2)
        let worker = bench.worker { $0.sessionTimeout = .milliseconds(50) }
        bench.push(0..<20)
        #expect(await bench.caughtUp())
        bench.store.steal(bench.task(0))
        bench.push(20..<60)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aThingThatAnotherStageCreatedFirstBecomesADeadLetterOwner() async throws {
        let bench = Bench()
        let worker = bench.worker()
        bench.push(0..<5, things: 1)
        #expect(await bench.caughtUp())
        bench.store.holdCommits()
        bench.push("t:new", 10)
        bench.push("t:m0", 11)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        // The other stage is faster.
        let row = try #require(bench.store.twin(try ThingID(validating: "t:m0")))
        var foreign = row
        foreign.snapshot.thing = try ThingID(validating: "t:new")
        foreign.home = TaskID(stage: StageName(topology: "other", source: "source"), partition: 0)
        bench.store.put(foreign)
        bench.store.letCommitsGo()
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["owner"])
        #expect(bench.store.twin(try ThingID(validating: "t:new"))?.home == foreign.home)
        #expect(bench.store.writtenSamples(.init("t:m0", "/features/f/properties/x")).count == 6)
    }

    /// Rule 6: what no halving can isolate stops the topology.
    @Test func aDataErrorThatEvenADeadLetterMeetsStopsTheTopologyWithItsReason() async throws {
        let bench = Bench()
        bench.store.plan(Array(repeating: .refusesData, count: 100))
        bench.push(0..<3)
        let worker = bench.worker()
        let error = await worker.failure()
        #expect(error?.detail == "22003")
        #expect(bench.store.committedEpochs.isEmpty)
    }

    /// A commit that hangs after it was given up is left behind with its thread; the tasks are taken over anew.
    @Test func aCommitThatHangsIsLeftBehindAndNothingIsLostOrDoubled() async throws {
        let bench = Bench(partitions: 2)
        bench.push(0..<20)
        let worker = bench.worker { $0.hangingCommit = .milliseconds(300) }
        #expect(await bench.caughtUp())
        bench.store.holdCommits()
        bench.push(20..<40)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.log.rebalance(bench.group)
        #expect(await bench.store.eventually { $0.heldCommits == 2 })
        bench.store.letCommitsGo()
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func stoppingWhilePostgresIsAwayEndsInTimeWithoutAnError() async throws {
        let bench = Bench()
        bench.push(0..<10)
        let worker = bench.worker { $0.shutdownGrace = .milliseconds(200) }
        #expect(await bench.caughtUp())
        bench.store.setAway(true)
        let attempts = bench.store.commitAttempts
        bench.push(10..<20)
        #expect(await bench.store.eventually { $0.commitAttempts > attempts })
        let clock = ContinuousClock()
        let took = try await clock.measure { try await worker.stop() }
        #expect(took < .seconds(5))
        bench.store.setAway(false)
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await second.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func stoppingWhileALoadWaitsForPostgresIsNoFailure() async throws {
        let bench = Bench()
        bench.push(0..<10, things: 1)
        let worker = bench.worker { $0.shutdownGrace = .milliseconds(200) }
        #expect(await bench.caughtUp())
        bench.store.failLoads(.max)
        bench.push("t:stranger", 50)
        #expect(await bench.store.eventually { $0.refusedCalls > 1 })
        #expect(worker.isWaiting)
        try await worker.stop()
        bench.store.failLoads(0)
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await second.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }
}
