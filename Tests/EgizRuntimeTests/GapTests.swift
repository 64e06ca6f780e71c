import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

@Suite struct GapTests {
    private let place = TopicPartition("events", 0)

    /// A bench that has committed ten records, its worker gone.
    private func afterTen(_ topology: Topology = .testing()) async throws -> Bench {
        let bench = Bench(topology)
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        return bench
    }

    @Test func aGapStopsTheTopologyAndOnlyThatOne() async throws {
        let bench = try await afterTen()
        bench.push(10..<20)
        bench.log.deleteRecords(of: place, before: 15)
        bench.log.createTopic("others", partitions: 1)
        let other = Topology.testing(name: "other", topics: ["others"])
        let worker = bench.worker("w2", topologies: [bench.topology, other])
        let gone = bench.task()
        let group = bench.group
        #expect(await bench.store.eventually { $0.task(gone)?.ownerEpoch == 2 })
        #expect(await bench.log.eventually { $0.assignment(of: group).isEmpty })
        bench.log.append("others", key: "o:1", value: #"{"thingId":"o:1","timestamp":1,"features":{"f":{"x":1}}}"#)
        let task = TaskID(stage: other.stages[0].name, partition: 0)
        #expect(await bench.store.eventually { $0.position(of: task, topic: "others") == 1 })
        let failed = worker.worker.statuses.first { $0.stage == bench.stage }
        let state = "\(String(describing: failed?.state))"
        #expect(state.contains("retention has passed the stored offset 10"))
        #expect(bench.store.position(of: bench.task(), topic: "events") == 10)
        await #expect(throws: EngineError.self) { try await worker.stop() }
    }

    @Test func aReportedGapIsWrittenAndTheRestIsRead() async throws {
        let bench = try await afterTen(.testing(onGap: .report))
        bench.push(10..<20)
        bench.log.deleteRecords(of: place, before: 15)
        let worker = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await worker.stop()
        let gaps = bench.store.allGaps
        #expect(gaps.map(\.reason) == [.retention])
        #expect(gaps.first?.from.raw == 10 && gaps.first?.to.raw == 15)
        #expect(bench.store.counters(of: bench.stage)["records"] == 15)
    }

    @Test func aGapThatOpensWhileRunningIsReportedAfterWhatWasRead() async throws {
        let bench = Bench(.testing(onGap: .report), partitions: 2)
        let worker = bench.worker()
        bench.push(0..<10)
        #expect(await bench.caughtUp())
        let end = bench.log.end(of: place).raw
        bench.log.pauseFetching(true)
        for n in 10..<20 { bench.push("t:g", n, partition: 0) }
        bench.log.deleteRecords(of: place, before: end + 5)
        bench.log.pauseFetching(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allGaps.map(\.reason) == [.retention])
        #expect(bench.store.allGaps.first?.from.raw == end)
        #expect(bench.store.counters(of: bench.stage)["records"] == 15)
    }

    @Test func aRunningTopologyStopsAtAGapWhereItShould() async throws {
        let bench = Bench()
        let worker = bench.worker()
        bench.push(0..<10)
        #expect(await bench.caughtUp())
        bench.log.pauseFetching(true)
        bench.push(10..<20)
        bench.log.deleteRecords(of: place, before: 15)
        bench.log.pauseFetching(false)
        let error = await worker.failure()
        #expect(error?.code == .gap)
        #expect(bench.store.position(of: bench.task(), topic: "events") == 10)
    }

    @Test func aTopicMadeAnewIsNoticedByItsLastRecord() async throws {
        let bench = try await afterTen()
        bench.log.createTopic("events", partitions: 1)
        bench.push(100..<120)
        let error = await bench.worker("w2").failure()
        #expect(error?.detail == "recreated")
        #expect(bench.store.position(of: bench.task(), topic: "events") == 10)
    }

    @Test func aNewEmbeddedLogPutsTheOffsetsAsideAndKeepsTheTwins() async throws {
        let bench = Bench()
        bench.log.become(LogIdentity(clusterID: "heap", embeddedLog: "one"))
        bench.push(0..<10)
        let first = bench.worker()
        #expect(await bench.caughtUp())
        try await first.stop()
        bench.log.become(LogIdentity(clusterID: "heap", embeddedLog: "two"))
        bench.log.createTopic("events", partitions: 1)
        bench.push(100..<105)
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await second.stop()
        #expect(bench.store.allGaps.map(\.reason) == [.embedded])
        #expect(bench.store.counters(of: bench.stage)["records"] == 15)
        #expect(bench.store.allTwins.count == 5)
    }

    @Test func anotherPartitionCountStopsTheStageWithAClearError() async throws {
        let bench = try await afterTen()
        bench.log.createTopic("events", partitions: 3)
        let error = await bench.worker("w2").failure()
        #expect(error?.code == .topology)
        #expect(error?.message.contains("1 partitions") == true)
    }

    @Test func topicsOfOneSourceMustHaveOnePartitionCount() async throws {
        let bench = Bench(.testing(topics: ["events", "more"]))
        bench.log.createTopic("more", partitions: 2)
        let error = await bench.worker().failure()
        #expect(error?.code == .topology)
        #expect(error?.message.contains("events: 1, more: 2") == true)
    }

    @Test func twoTopicsOfOneSourceKeepTheirOwnPositions() async throws {
        let bench = Bench(.testing(topics: ["events", "more"]), partitions: 2)
        for n in 0..<50 {
            bench.push("t:m\(n % 4)", n, topic: n % 3 == 0 ? "more" : "events", path: n % 3 == 0 ? "y" : "x")
        }
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.counters(of: bench.stage)["records"] == 50)
        #expect(bench.store.allTwins.count == 4)
    }
}
