import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rules 4 and 16: one record may make any number of timers due; they fire in their order, in epochs of bounded size, once.
@Suite struct TimerChunkTests {
    private static let timers = 400
    /// After all timers, in milliseconds after the first event.
    private static let late = 3_600_000

    private func bench(
        _ commit: CommitPolicy = CommitPolicy(interval: .zero, maxRecords: 50, maxBytes: 64 << 20),
        idle: Duration = .seconds(3600)
    ) -> Bench {
        let bench = Bench(.alarming(commit, idle: idle), registry: .withAlarm)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    /// So many things have set one timer each, all of which are committed.
    private func set(_ bench: Bench) async throws {
        for n in 0..<Self.timers { bench.push("t:m\(n)", n) }
        let worker = bench.worker("w0")
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allTimers(of: bench.task()).count == Self.timers)
    }

    /// Timers fired in each committed epoch.
    private func ticks(_ bench: Bench) -> [Int64] {
        var last: Int64 = 0
        return bench.store.committedEpochs.flatMap { $0 }.map { advance in
            defer { last = advance.counters.ticks }
            return advance.counters.ticks - last
        }
    }

    private var expected: [String] { (0..<Self.timers).map { "\(Alarm.delay + Int64($0))" } }

    @Test func theyFireInEpochsOfBoundedSizeAndInOrder() async throws {
        let bench = bench()
        try await set(bench)
        bench.push("t:last", Self.late)
        bench.push("t:last", Self.late + 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        let all = expected
        #expect(await bench.log.eventually { $0.outputs()["all"] == all })
        try await worker.stop()
        #expect(ticks(bench).max().map { $0 <= 50 } == true, "\(ticks(bench))")
        #expect(ticks(bench).reduce(0, +) == Int64(Self.timers))
        #expect(Set(bench.log.ids()).count == Self.timers)
        #expect(bench.store.counters(of: bench.stage)["records"] == Int64(Self.timers + 2))
    }

    @Test func whatTheyEmitBoundsTheEpochAsWell() async throws {
        let bench = bench(CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 20_000))
        try await set(bench)
        bench.push("t:last", Self.late)
        let worker = bench.worker()
        let all = expected
        #expect(await bench.log.eventually { $0.outputs()["all"] == all })
        try await worker.stop()
        #expect(ticks(bench).filter { $0 > 0 }.count > 4, "\(ticks(bench))")
    }

    /// Idle time has no record that would come again.
    @Test func anIdleTaskFiresAllOfThemToo() async throws {
        let bench = bench(idle: .milliseconds(20))
        for n in 0..<Self.timers { bench.push("t:m\(n)", 0, path: "soon") }
        let worker = bench.worker()
        #expect(await bench.log.eventually { $0.outputs()["all"]?.count == Self.timers })
        try await worker.stop()
        #expect(ticks(bench).max().map { $0 <= 50 } == true, "\(ticks(bench))")
        #expect(Set(bench.log.ids()).count == Self.timers)
    }

    /// The worker is gone between two parts, with a commit whose fate it does not learn.
    @Test(arguments: [MemoryStore.Accident.answerIsLost, .failsBeforeLanding])
    func aWorkerThatIsGoneInBetweenLeavesNoneOutAndDoublesNone(_ accident: MemoryStore.Accident) async throws {
        let bench = bench()
        try await set(bench)
        bench.store.holdCommits()
        bench.push("t:last", Self.late)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.store.plan([accident])
        try await first.stop()
        bench.store.letCommitsGo()
        let second = bench.worker("w2")
        #expect(await bench.caughtUp())
        let all = expected
        #expect(await bench.log.eventually { $0.outputs()["all"] == all })
        try await second.stop()
        #expect(Set(bench.log.ids()).count == Self.timers)
        #expect(bench.store.counters(of: bench.stage)["ticks"] == Int64(Self.timers))
    }

    /// Epochs that Postgres refuses are run again, the timers before the record each time.
    @Test func aRefusedEpochFiresThemAgainFromTheStart() async throws {
        let bench = bench()
        try await set(bench)
        bench.store.refuse(text: "poison")
        bench.log.append(
            "events", key: "t:last",
            value:
                #"{"thingId":"t:last","timestamp":\#(1_700_000_000_000 + Self.late),"features":{"f":{"x":"poison"}}}"#,
            at: EventTime(microseconds: (1_700_000_000_000 + Int64(Self.late)) * 1000))
        bench.push("t:last", Self.late + 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        let all = expected
        #expect(await bench.log.eventually { $0.outputs()["all"] == all })
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["sql-22003"])
    }
}
