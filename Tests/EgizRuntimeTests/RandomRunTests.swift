import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@testable import EgizRuntime

/// Workers come and go, partitions move, sessions time out, commits fail in every way, while records arrive: in the end the
/// store equals a fold of the log. The interleaving of the threads is the system's; the accidents are the seed's.
@Suite struct RandomRunTests {
    @Test(arguments: 0..<12)
    func whateverHappensTheStoreEqualsAFoldOfTheLog(_ seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let bench = Bench(
            .testing(
                commit: CommitPolicy(
                    interval: .milliseconds([0, 1, 20][seed % 3]), maxRecords: [10, 50_000][seed % 2],
                    maxBytes: 64 << 20),
                parallelism: 1 + seed % 2),
            partitions: 1 + seed % 5)
        bench.log.setProtocol(seed % 4 == 0 ? .cooperative : .eager, of: bench.group)
        var workers: [RunningWorker] = []
        var names = 0
        func hire() {
            names += 1
            workers.append(
                bench.worker("w\(names)") {
                    $0.sessionTimeout = .milliseconds(60)
                    $0.cacheBytes = seed % 3 == 0 ? 4000 : 1 << 20
                    $0.pollLimit = 1 + seed * 3
                })
        }
        hire()
        var n = 0
        for _ in 0..<40 {
            switch Int.random(in: 0..<13, using: &random) {
            case 0: if workers.count < 3 { hire() }
            case 1:
                if workers.count > 1 { try await workers.remove(at: 0).stop() }
            case 2:
                bench.store.plan(
                    (0..<Int.random(in: 1...3, using: &random)).map { _ in
                        Bool.random(using: &random) ? .answerIsLost : .failsBeforeLanding
                    })
            case 3:
                if let member = bench.log.assignment(of: bench.group).keys.sorted().first {
                    bench.log.expel(member, of: bench.group)
                }
            case 4: bench.log.rebalance(bench.group)
            case 5: bench.store.steal(bench.task(Int32.random(in: 0..<Int32(1 + seed % 5), using: &random)))
            case 6:
                bench.store.setAway(true)
                bench.push(n..<(n + 5))
                n += 5
                bench.store.setAway(false)
            case 7: bench.log.breakQueries(Int.random(in: 1...4, using: &random))
            case 8: bench.log.append("events", key: "t:m\(n % 5)", value: "{", at: EventTime(microseconds: 1))
            default:
                let count = Int.random(in: 1...40, using: &random)
                bench.push(n..<(n + count))
                n += count
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                let least = bench.store.committedEpochs.count + 1
                bench.push(n..<(n + 1))
                n += 1
                _ = await bench.store.eventually(seconds: 0.3) { $0.committedEpochs.count >= least }
            }
        }
        #expect(await bench.caughtUp(seconds: 40), "seed \(seed): \(workers.flatMap(\.worker.statuses))")
        for worker in workers { try await worker.stop() }
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }
}
