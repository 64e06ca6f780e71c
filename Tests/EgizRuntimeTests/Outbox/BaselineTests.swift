import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rule 9: Kafka has evidence of a task before the task can emit anything.
@Suite struct BaselineTests {
    private func bench(_ topology: Topology = .relaying()) -> Bench {
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    /// Without it, a worker killed now would leave an outbox of which nothing says whether it is in Kafka.
    @Test func noOutboxIsCommittedBeforeTheBaselineIsInKafka() async throws {
        let bench = bench()
        bench.log.refuseGroupOffsets(true)
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await bench.log.eventually { $0.recordsHandedOut == 10 })
        let tried = bench.log.refusedGroupOffsets
        #expect(await bench.log.eventually { $0.refusedGroupOffsets >= tried + 2 })
        #expect(bench.store.emitted.isEmpty)
        #expect(bench.store.committedEpochs.isEmpty)
        bench.log.refuseGroupOffsets(false)
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.ids().count == 10 })
        try await worker.stop()
    }

    /// The next worker needs nobody who says `onGap: report`.
    @Test func aWorkerThatIsGoneBeforeItsBaselineLeavesNoGap() async throws {
        let bench = bench()
        bench.log.refuseGroupOffsets(true)
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        bench.push(0..<10)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.log.eventually { $0.recordsHandedOut == 10 })
        let tried = bench.log.refusedGroupOffsets
        #expect(await bench.log.eventually { $0.refusedGroupOffsets > tried })
        try await first.stop()
        bench.log.refuseGroupOffsets(false)
        bench.log.forgetOutputAccidents()
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.ids().count == 10 })
        #expect(bench.store.allGaps.isEmpty)
        try await second.stop()
        #expect(Set(bench.log.ids()).count == 10)
    }

    @Test func aStageThatEmitsNothingDoesNotWaitForIt() async throws {
        let bench = Bench()
        bench.log.refuseGroupOffsets(true)
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.log.refuseGroupOffsets(false)
        try await worker.stop()
    }

    @Test func evidenceOfAnotherLifeIsNone() {
        var lease = TaskLease(
            task: TaskID(stage: StageName(topology: "t", source: "s"), partition: 0), ownerEpoch: 1, epoch: 5,
            positions: [:], streamTime: nil, counters: StepCounters(), log: nil, previousOwner: nil)
        lease.incarnation = 2
        func covers(_ found: (Int32, Int64)...) -> Bool {
            Evidence.covers(lease, by: found.map { Evidence(incarnation: $0.0, epoch: $0.1) })
        }
        #expect(covers((2, 5)) && covers((2, 3)) && covers((1, 9), (2, 0)))
        #expect(!covers() && !covers((1, 5)) && !covers((3, 5)))
        #expect(!covers((2, 6)), "of a life before a purge")
        #expect(!covers((2, 3), (2, 6)))
    }
}
