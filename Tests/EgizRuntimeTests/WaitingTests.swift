import EgizCore
import EgizTesting
import Testing

@testable import EgizRuntime

/// What a stage says of itself ends when its reason ends.
@Suite struct WaitingTests {
    private func says(_ worker: RunningWorker, waiting: Bool) async throws -> Bool {
        try await becomes { worker.isWaiting == waiting }
    }

    /// A quiet topic brings no record that would show the end of an outage.
    @Test func anOutageOfKafkaIsOverWhenItAnswersAlsoWithoutRecords() async throws {
        let bench = Bench()
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.log.setAway(true)
        #expect(try await says(worker, waiting: true))
        bench.log.setAway(false)
        #expect(try await says(worker, waiting: false))
        try await worker.stop()
    }

    /// The epoch that waited for Postgres was given up in a rebalance; the next one succeeds at its first attempt.
    @Test func aWaitOfACommitThatWasGivenUpEndsWithTheNextCommit() async throws {
        let bench = Bench()
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.setAway(true)
        let attempts = bench.store.commitAttempts
        bench.push(10..<20)
        #expect(await bench.store.eventually { $0.commitAttempts > attempts })
        #expect(try await says(worker, waiting: true))
        bench.log.rebalance(bench.group)
        #expect(try await becomes { worker.worker.statuses.allSatisfy(\.partitions.isEmpty) })
        bench.store.setAway(false)
        #expect(await bench.caughtUp())
        #expect(try await says(worker, waiting: false))
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }
}
