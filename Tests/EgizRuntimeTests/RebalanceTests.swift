import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

@Suite struct RebalanceTests {
    @Test(arguments: [MemoryLog.GroupProtocol.eager, .cooperative])
    func twoWorkersShareThePartitionsAndHandThemOver(_ name: MemoryLog.GroupProtocol) async throws {
        let bench = Bench(partitions: 4)
        bench.log.setProtocol(name, of: bench.group)
        let group = bench.group
        bench.push(0..<200, things: 20)
        let first = bench.worker("w1")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [4] })
        bench.push(200..<400, things: 20)
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [2, 2] })
        bench.push(400..<600, things: 20)
        #expect(await bench.caughtUp())
        bench.push(600..<800, things: 20)
        try await first.stop()
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [4] })
        bench.push(800..<900, things: 20)
        #expect(await bench.caughtUp())
        try await second.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func revokedPartitionsAreDrainedAndReleased() async throws {
        var topology = Topology.testing()
        topology.commit.interval = .seconds(3600)
        let bench = Bench(topology)
        bench.push(0..<1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.push(1..<20)
        #expect(await bench.log.eventually { $0.polledPastEnd(TopicPartition("events", 0)) })
        #expect(bench.store.position(of: bench.task(), topic: "events") == 1)
        bench.log.rebalance(bench.group)
        #expect(await bench.caughtUp())
        let task = bench.task()
        #expect(await bench.store.eventually { $0.task(task)?.ownerEpoch == 2 })
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func lostPartitionsAreNeverFlushed() async throws {
        var topology = Topology.testing()
        topology.commit.interval = .seconds(3600)
        let bench = Bench(topology)
        bench.push(0..<1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.push(1..<20)
        #expect(await bench.log.eventually { $0.polledPastEnd(TopicPartition("events", 0)) })
        let group = bench.group
        let member = try #require(bench.log.assignment(of: group).keys.first)
        bench.log.expel(member, of: group)
        let task = bench.task()
        // It joins again and takes the task over; what it had in hand was dropped and is read again.
        #expect(await bench.store.eventually { $0.task(task)?.ownerEpoch == 2 })
        #expect(bench.store.position(of: task, topic: "events") == 1, "work of a lost partition was committed")
        try await worker.stop()
        #expect(bench.store.position(of: task, topic: "events") == 20)
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aRevocationGivesUpACommitAtTheEndOfTheGrace() async throws {
        let bench = Bench(partitions: 2)
        bench.log.setProtocol(.cooperative, of: bench.group)
        let group = bench.group
        let first = bench.worker("w1") { $0.sessionTimeout = .milliseconds(100) }
        bench.push(0..<40)
        #expect(await bench.caughtUp())
        bench.store.plan(Array(repeating: .answerIsLost, count: 1) + Array(repeating: .failsBeforeLanding, count: 3))
        bench.push(40..<80)
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [1, 1] })
        bench.push(80..<120)
        #expect(await bench.caughtUp())
        try await first.stop()
        try await second.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    /// Rule 8: the group waits for the answer, so it does not wait for Postgres.
    @Test func aRevocationIsAnsweredInTimeWhereAFenceIsLostAndPostgresGoesAway() async throws {
        let bench = Bench(partitions: 2)
        let (group, store) = (bench.group, bench.store)
        bench.log.setProtocol(.cooperative, of: group)
        let first = bench.worker("w1") { $0.sessionTimeout = .milliseconds(400) }
        bench.push(0..<20)
        #expect(await bench.caughtUp())
        store.holdCommits()
        bench.push("t:z", 20, partition: 0)
        #expect(await store.eventually { $0.heldCommits == 1 })
        store.steal(bench.task(0))
        store.setParkedAway(true)
        bench.log.beforeARevocation { store.letCommitsGo() }
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [1, 1] })
        store.setParkedAway(false)
        bench.push(21..<60)
        #expect(await bench.caughtUp())
        try await first.stop()
        try await second.stop()
        expectEqual(store, try bench.fold(), stage: bench.stage)
    }

    @Test func aTakeoverThatFailsIsTriedAgainFromTheLoop() async throws {
        let bench = Bench(partitions: 3)
        bench.push(0..<60)
        bench.log.breakQueries(7)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aBrokerAwayInTheMiddleOnlyDelays() async throws {
        let bench = Bench(partitions: 2)
        bench.push(0..<20)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.log.setAway(true)
        bench.push(20..<40)
        bench.log.setAway(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aDeadWorkersTasksGoOnElsewhereAndItsLateCommitWritesNothing() async throws {
        let bench = Bench()
        let group = bench.group
        let zombie = bench.worker("zombie") { $0.sessionTimeout = .seconds(60) }
        bench.push(0..<10)
        #expect(await bench.caughtUp())
        bench.store.holdCommits()
        bench.push(10..<20)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.log.setAway(true)
        let member = try #require(bench.log.assignment(of: group).keys.first)
        bench.log.expel(member, of: group)
        bench.store.steal(bench.task())
        bench.store.letCommitsGo()
        #expect(await bench.store.eventually { $0.heldCommits == 0 })
        bench.log.setAway(false)
        #expect(await bench.caughtUp())
        try await zombie.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }
}
