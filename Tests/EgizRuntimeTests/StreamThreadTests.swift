import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

@Suite struct StreamThreadTests {
    @Test func recordsBecomeTwinsAndHistoryInEpochs() async throws {
        let bench = Bench(partitions: 3)
        bench.push(0..<300)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.push(300..<400)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(bench.store.allTwins.count == 5)
        #expect(bench.store.counters(of: bench.stage)["records"] == 400)
    }

    @Test func positionComesFromTheStoreAndNeverFromGroupOffsets() async throws {
        let bench = Bench()
        bench.push(0..<10)
        let first = bench.worker()
        #expect(await bench.caughtUp())
        try await first.stop()
        bench.log.setGroupOffsets(
            [TopicPartition("events", 0): GroupOffset(next: NextOffset(stored: 3), metadata: "")], of: bench.group)
        bench.push(10..<20)
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await second.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func groupOffsetsFollowTheCommitsForLagTools() async throws {
        let bench = Bench()
        bench.push(0..<10)
        let worker = bench.worker()
        let group = bench.group
        #expect(
            await bench.log.eventually { $0.groupOffsets(of: group)[TopicPartition("events", 0)]?.next.raw == 10 })
        try await worker.stop()
    }

    @Test func aThingFirstSeenInTwoPartitionsOfOneThreadStaysWhereItWasFirst() async throws {
        let bench = Bench(partitions: 2)
        bench.push("t:a", 1, partition: 0)
        bench.push("t:a", 2, partition: 1)
        bench.push("t:b", 3, partition: 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(worker.worker.statuses.map(\.state) == [.stopped])
        #expect(bench.store.allDeadLetters.map(\.code) == ["partition"])
        #expect(bench.store.allTwins.count == 2)
    }

    @Test func shutdownCommitsWhatWasReadAndReleasesTheTasks() async throws {
        var topology = Topology.testing()
        // The first epoch closes at once, the second would wait an hour.
        topology.commit.interval = .seconds(3600)
        let bench = Bench(topology)
        bench.push(0..<1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.push(1..<100)
        #expect(await bench.log.eventually { $0.polledPastEnd(TopicPartition("events", 0)) })
        #expect(bench.store.position(of: bench.task(), topic: "events") == 1, "the epoch must still be open")
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(bench.store.position(of: bench.task(), topic: "events") == 100)
        #expect(bench.store.task(bench.task())?.owner == nil)
        #expect(worker.worker.statuses.map(\.state) == [.stopped])
    }

    @Test func recordsThatCannotBeFoldedBecomeDeadLettersAndTheRestGoesOn() async throws {
        let bench = Bench()
        bench.push(0..<5)
        bench.log.append("events", key: "t:m1", value: "{")
        bench.log.append("events", key: "t:m1", value: #"{"thingId":"nonamespace","features":{}}"#)
        bench.log.append("events", key: "t:m1", value: nil)
        bench.push(5..<10)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        let letters = bench.store.allDeadLetters
        #expect(letters.map(\.code) == ["json", "thing-id"])
        #expect(letters.map(\.position.offset) == [5, 6])
        #expect(letters.first?.value == Array("{".utf8))
        #expect(bench.store.counters(of: bench.stage)["tombstone"] == 1)
    }

    @Test func restoringIsOneLoadForEachBatchAndTask() async throws {
        let bench = Bench(partitions: 2)
        for n in 0..<40 { bench.push("t:m\(n)", n) }
        let first = bench.worker()
        #expect(await bench.caughtUp())
        try await first.stop()
        let before = bench.store.loadCalls.count
        for n in 0..<40 { bench.push("t:m\(n)", 100 + n) }
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await second.stop()
        let calls = bench.store.loadCalls[before...]
        #expect(calls.count == 2, "40 things in one batch of two tasks took \(calls.count) loads")
        #expect(calls.reduce(0) { $0 + $1.count } == 40)
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func aKeyThatIsNotTheThingIdIsLoadedAllTheSame() async throws {
        let bench = Bench()
        for n in 0..<20 {
            bench.log.append(
                "events", key: "other:\(n)",
                value: #"{"thingId":"t:m\#(n % 3)","timestamp":\#(n + 1),"features":{"f":{"x":\#(n)}}}"#)
        }
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(bench.store.counters(of: bench.stage)["keyMismatch"] == 20)
    }

    @Test func aTinyCacheChangesNothingButTheLoads() async throws {
        let bench = Bench()
        let worker = bench.worker {
            $0.cacheBytes = 3000
            $0.pollLimit = 7
        }
        for round in 0..<5 {
            for n in 0..<30 { bench.push("t:m\(n)", round * 100 + n) }
            #expect(await bench.caughtUp())
        }
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(bench.store.loadCalls.reduce(0) { $0 + $1.count } > 60, "nothing was evicted, so nothing was tested")
    }

    @Test func parallelThreadsOfOneStageShareThePartitions() async throws {
        let bench = Bench(.testing(parallelism: 2), partitions: 4)
        let worker = bench.worker()
        let group = bench.group
        #expect(
            await bench.log.eventually { $0.assignment(of: group).values.map(\.count).sorted() == [2, 2] })
        bench.push(0..<500, things: 40)
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
        #expect(worker.worker.statuses.allSatisfy { $0.records > 0 })
    }

    @Test func anIdleTaskAdvancesStreamTimeInAnEpochOfItsOwn() async throws {
        let bench = Bench(.testing(idle: .milliseconds(20)))
        bench.push(0..<1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        let task = bench.task()
        let first = bench.store.task(task)?.streamTime
        #expect(first != nil)
        #expect(await bench.store.eventually { ($0.task(task)?.streamTime).map { $0 > first! } ?? false })
        try await worker.stop()
        #expect(bench.store.counters(of: bench.stage)["records"] == 1)
    }
}

@Suite struct FreshTablesTests {
    /// A thread that meets ever new paths begins with fresh tables now and then, and loses nothing by it.
    @Test func everNewPathsAreForgottenAndNothingIsLost() async throws {
        let bench = Bench()
        let worker = bench.worker { $0.mostPaths = 50 }
        for round in 0..<8 {
            for n in 0..<40 { bench.push("t:m\(n % 5)", round * 40 + n, path: "p\(round * 40 + n)") }
            #expect(await bench.caughtUp())
        }
        try await worker.stop()
        // A thing is loaded at its first record, and again after each time the tables were made anew.
        #expect(bench.store.loadCalls.flatMap { $0 }.count > 10)
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }
}
