import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rules 1, 4 and 6: what is left of an epoch that was not written: nothing.
@Suite struct RollbackTests {
    @Test func recordsThatTheClientStillHadInItsQueueAreNotProcessedTwice() async throws {
        let bench = Bench()
        let worker = bench.worker()
        bench.push(0..<10)
        #expect(await bench.caughtUp())
        bench.log.handOutStaleRecords(5)
        // The refused epoch is done again, which seeks.
        bench.store.plan([.refusesData])
        // One epoch: of a record alone the refusal would be about the record.
        bench.log.pauseFetching(true)
        bench.push(10..<20)
        bench.log.pauseFetching(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(!bench.log.seeks(of: TopicPartition("events", 0)).isEmpty)
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    @Test func streamTimeOfWorkThatWasRolledBackIsForgotten() async throws {
        let bench = Bench()
        bench.store.refuse(text: "poison")
        bench.log.pauseFetching(true)
        bench.push("t:a", 1)
        let late = 1_700_003_600_000
        bench.log.append(
            "events", key: "t:a", value: #"{"thingId":"t:a","timestamp":\#(late),"features":{"f":{"x":"poison"}}}"#,
            at: EventTime(microseconds: Int64(late) * 1000))
        bench.push("t:a", 2)
        let worker = bench.worker()
        bench.log.pauseFetching(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["sql-22003"])
        #expect(bench.store.task(bench.task())?.streamTime?.microseconds == 1_700_000_000_002_000)
    }

    @Test func bytesCloseAnEpochLongBeforeItsIntervalOrItsRecords() async throws {
        let bench = Bench(
            .testing(commit: CommitPolicy(interval: .seconds(3600), maxRecords: 1_000_000, maxBytes: 100_000)))
        let text = String(repeating: "x", count: 10_000)
        for n in 0..<100 {
            bench.log.append(
                "events", key: "t:a",
                value: #"{"thingId":"t:a","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":"\#(text)"}}}"#,
                at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000))
        }
        let worker = bench.worker { $0.pollLimit = 5 }
        #expect(await bench.store.eventually { $0.committedEpochs.count >= 5 })
        try await worker.stop()
    }

    @Test func emittedBytesCloseAnEpochAsWell() async throws {
        var topology = Topology.relaying()
        topology.commit = CommitPolicy(interval: .seconds(3600), maxRecords: 1_000_000, maxBytes: 20_000)
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        // Some 150 bytes of record, and more than twice that with what each emits.
        bench.push(0..<300, things: 1)
        let worker = bench.worker { $0.pollLimit = 5 }
        #expect(await bench.store.eventually { $0.committedEpochs.count >= 4 })
        try await worker.stop()
    }

    @Test func atLeastOncePublishesWithoutATransactionalId() async throws {
        var topology = Topology.relaying()
        topology.delivery = .atLeastOnce
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        bench.push(0..<20)
        let worker = bench.worker()
        #expect(await bench.log.eventually { $0.ids().count == 20 })
        #expect(bench.store.task(bench.task())?.transactionalID == nil)
        try await worker.stop()
    }
}
