import EgizCore
import EgizTesting
import EgizTwin
import Synchronization
import Testing

@testable import EgizRuntime

/// Redrives while records keep coming: each must come to its end all the same.
@Suite struct BusyRedriveTests {
    private let tests = RedriveTests()

    /// Pushes records of a thing, some at each commit, until it is stopped.
    private final class Pusher: Sendable {
        private let isDone = Mutex(false)
        let pushed = Mutex(1000)

        func run(_ bench: Bench, _ thing: String, each: Int = 3) async {
            while !isDone.withLock({ $0 }) {
                let seen = bench.store.committedEpochs.count
                for _ in 0..<each {
                    let n = pushed.withLock { n in
                        n += 1
                        return n
                    }
                    bench.push(thing, n)
                }
                _ = await bench.store.eventually(seconds: 5) { $0.committedEpochs.count > seen }
            }
        }

        func stop() { isDone.withLock { $0 = true } }
    }

    /// Alone in an epoch the letter at fault shows itself; beside records it never would, and none of them may suffer for it.
    @Test func aLetterThatPostgresRefusesIsFoundAlsoUnderSteadyInput() async throws {
        let bench = tests.bench(.relaying(onError: .dead))
        bench.store.refuse(text: "poison")
        for n in 0..<3 { tests.bad(bench, "t:m\(n)", n) }
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        let rows = bench.store.letterRows
        for (n, row) in rows.enumerated() {
            bench.store.edit(
                row.id,
                value: n == 1
                    ? Array(#"{"thingId":"t:m1","timestamp":1700000000001,"features":{"f":{"x":"poison"}}}"#.utf8)
                    : tests.good("t:m\(n)", n))
        }
        let pusher = Pusher()
        async let pushing: Void = pusher.run(bench, "t:busy")
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        pusher.stop()
        await pushing
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.letterRows.map(\.letter.code) == ["sql-22003"])
        #expect(bench.store.requestCounts.resolved == 2)
        #expect(bench.store.counters(of: bench.stage)["deadLetters"] == 3, "an innocent record was condemned")
    }

    /// Records of the thing itself queue while its letters are tried: the last of them must be caught up with.
    @Test func aParkedThingGoesOnAlsoWhereItsRecordsKeepComing() async throws {
        let bench = tests.bench()
        tests.bad(bench, "t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.edit(try #require(bench.store.letterRows.first).id, value: tests.good("t:a", 1))
        let pusher = Pusher()
        async let pushing: Void = pusher.run(bench, "t:a", each: 40)
        #expect(await bench.store.eventually { $0.letterRows.count > 100 })
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone && $0.letterRows.isEmpty })
        pusher.stop()
        await pushing
        #expect(await bench.caughtUp())
        let last = pusher.pushed.withLock { $0 }
        let want = ["1"] + (1001...last).map(String.init)
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == want })
        try await worker.stop()
    }

    /// A letter of the log before keeps that log's name: its offset means nothing in the new one (rule 11).
    @Test func whatALetterOfAnEarlierIncarnationEmitsIsNamedAfterThat() async throws {
        let bench = tests.bench(.relaying(onError: .dead, onGap: .report))
        tests.bad(bench, "t:a", 1)
        let first = bench.worker()
        #expect(await bench.caughtUp())
        try await first.stop()
        bench.store.edit(try #require(bench.store.letterRows.first).id, value: tests.good("t:a", 1))
        bench.log.setGroupOffsets(
            [TopicPartition("events", 0): GroupOffset(next: NextOffset(stored: 9), metadata: "egiz:1:1:999")],
            of: bench.group)
        bench.push("t:b", 2)
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(await bench.log.eventually { $0.ids().count == 2 })
        try await second.stop()
        #expect(Set(bench.log.ids()) == ["line/source/events/0@2/1/0", "line/source/events/0@1/0/0r2"])
    }
}
