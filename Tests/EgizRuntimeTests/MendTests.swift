import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// What once went wrong between the parts of a stream thread: takeovers that fail half way, rollbacks beside blocked tasks, fences
/// beside commits.
@Suite struct MendTests {
    private func bench(_ topology: Topology = .relaying(), partitions: Int = 1) -> Bench {
        let bench = Bench(topology, partitions: partitions, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    private func bad(_ bench: Bench, _ thing: String, _ n: Int, partition: Int32? = nil) {
        bench.log.append(
            "events", key: thing,
            value: #"{"thingId":"\#(thing)","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":"refuse"}}}"#,
            at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000), partition: partition)
    }

    /// The takeover hands over the outboxes of one task and fails at the next: what it handed over must not be published beside
    /// what its repetition hands over.
    @Test(arguments: 0..<12)
    func whatAFailedTakeoverHandedOverIsPublishedOnlyByTheNext(_ round: Int) async throws {
        let bench = bench(partitions: 3)
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        for n in 0..<60 { bench.push("t:m\(n % 3)", n, partition: Int32(n % 3)) }
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.caughtUp())
        try await first.stop()
        #expect((0..<3).allSatisfy { !bench.store.pendingOutboxes(of: bench.task($0)).isEmpty })
        bench.log.forgetOutputAccidents()
        bench.store.failOutboxLoads(after: 1 + round % 2)
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { Set($0.ids()).count == 60 })
        bench.push("t:m0", 60, partition: 0)
        #expect(await bench.log.eventually { Set($0.ids()).count == 61 })
        try await second.stop()
        #expect(bench.store.failedOutboxLoads == 1)
        #expect(bench.log.ids().count == 61)
    }

    /// With the gap the task begins a new life, from which the evidence of the former one cannot be read any more.
    @Test func whatKafkaHasIsNotPublishedAgainWhereATakeoverReportsAGapAndFails() async throws {
        let bench = bench(.relaying(onGap: .report))
        bench.log.planOutputs([.answerIsLost] + Array(repeating: .fails, count: 1000))
        bench.push(0..<5)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.log.eventually { $0.ids().count == 5 })
        try await first.stop()
        #expect(!bench.store.pendingOutboxes(of: bench.task()).isEmpty)
        bench.log.forgetOutputAccidents()
        bench.log.truncate(TopicPartition("events", 0), to: 2)
        bench.store.failOutboxLoads(after: 0)
        let second = bench.worker("w2")
        #expect(await bench.store.eventually { $0.failedOutboxLoads == 1 })
        bench.push(7..<8)
        #expect(await bench.log.eventually { $0.ids().contains("line/source/events/0@2/2/0") })
        try await second.stop()
        #expect(bench.log.ids().count == 6)
    }

    /// Another worker takes the task over while it is being taken over. Nothing may be read or published under the former lease: the fence
    /// would end it at its first commit only, and its work would be for nothing.
    @Test(arguments: ["before evidence is read", "before outboxes are read"])
    func aTakeoverThatIsOvertakenDoesNothingUnderItsLease(_ moment: String) async throws {
        let bench = bench()
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        bench.push(0..<5)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.caughtUp())
        try await first.stop()
        let (store, task) = (bench.store, bench.task())
        #expect(!store.pendingOutboxes(of: task).isEmpty)
        #expect(store.commitAttempts == store.committedEpochs.count)
        bench.log.forgetOutputAccidents()
        let overtake: @Sendable () -> Void = { store.steal(task) }
        if moment == "before outboxes are read" {
            store.beforeOutboxesAreRead(overtake)
        } else {
            bench.log.beforeGroupOffsetsAreRead([overtake])
        }
        bench.push(5..<9)
        let second = bench.worker("w2") { $0.sessionTimeout = .milliseconds(100) }
        #expect(await bench.log.eventually { $0.ids().count == 9 })
        try await second.stop()
        #expect(store.commitAttempts == store.committedEpochs.count, "an epoch met the fence")
        #expect((store.task(task)?.ownerEpoch ?? 0) == 4)
        #expect(Set(bench.log.ids()).count == 9)
    }

    /// The rollback seeks all tasks; a blocked one stays paused by the client, so it must also stay blocked, to be resumed.
    @Test func aTaskThatIsBlockedGoesOnAfterARollbackOfItsThread() async throws {
        let bench = bench(.relaying(park: ParkLimits(perThing: 2, total: 10)), partitions: 2)
        bad(bench, "t:a", 1, partition: 0)
        bench.push("t:a", 2, partition: 0)
        bench.push("t:a", 3, partition: 0)
        let worker = bench.worker()
        let blocked = bench.task(0)
        #expect(await bench.store.eventually { $0.position(of: blocked, topic: "events") == 2 })
        bench.store.plan([.refusesData])
        for n in 10..<14 { bench.push("t:b", n, partition: 1) }
        let other = bench.task(1)
        #expect(await bench.store.eventually { $0.position(of: other, topic: "events") == 4 })
        bench.store.request(.discard, of: blocked)
        #expect(await bench.caughtUp())
        try await worker.stop()
    }

    /// The commit under way would come back as that of a lost task, which is left alone for two sessions.
    @Test func aFencedProducerWaitsForTheCommitUnderWay() async throws {
        let bench = bench()
        bench.push(0..<5)
        let worker = bench.worker { $0.sessionTimeout = .seconds(60) }
        #expect(await bench.log.eventually { $0.ids().count == 5 })
        bench.log.planOutputs([.fails, .fails, .fails, .fences])
        bench.push(5..<6)
        #expect(await bench.caughtUp())
        bench.store.holdCommits()
        bench.push(6..<7)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        #expect(await bench.log.eventually { $0.plannedOutputs == 0 })
        let task = bench.task()
        let isTakenOver = await bench.store.eventually(seconds: 0.5) { ($0.task(task)?.ownerEpoch ?? 0) > 1 }
        #expect(!isTakenOver)
        bench.store.letCommitsGo()
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.ids().count == 7 })
        bench.push(7..<8)
        #expect(await bench.log.eventually { $0.ids().count == 8 })
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == 8)
    }

    /// A thread that takes no records, because Kafka is behind, takes none of what the group gives it meanwhile either.
    @Test func whatIsGainedWhilePausedIsNotRead() async throws {
        let bench = bench(partitions: 2)
        let group = bench.group
        bench.log.setProtocol(.cooperative, of: group)
        let first = bench.worker("w1") {
            $0.mostUnpublished = 500
            $0.pollLimit = 1
        }
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [2] })
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [1, 1] })
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        for n in 0..<20 { bench.push("t:a", n, partition: 0) }
        let task = bench.task(0)
        #expect(
            await bench.store.eventually { store in
                store.pendingOutboxes(of: task).flatMap(\.records).reduce(0) { $0 + $1.size } > 500
            })
        try await second.stop()
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [2] })
        for n in 0..<100 { bench.push("t:b", n, partition: 1) }
        let looks = bench.store.redriveLooks
        let handed = bench.log.recordsHandedOut
        #expect(await bench.store.eventually { $0.redriveLooks >= looks + 20 })
        #expect(bench.log.recordsHandedOut - handed < 5)
        bench.log.forgetOutputAccidents()
        #expect(await bench.log.eventually { $0.ids().count == 120 })
        try await first.stop()
    }

    /// A timer that fires in the epoch may be what Postgres refuses: the record beside it must not be condemned for that.
    @Test func aRecordBesideATimerIsNotCondemnedForWhatMayBeTheTimersFault() async throws {
        let bench = Bench(
            .alarming(CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20)), registry: .withAlarm)
        bench.log.createTopic("out", partitions: 1)
        bench.push("t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.plan(Array(repeating: .refusesData, count: 20))
        bench.push("t:a", 60_000)
        let error = await worker.failure()
        #expect(error?.code == .postgres && error?.retry == .stop)
        #expect(bench.store.allDeadLetters.isEmpty)
    }

    /// Postgres refuses the epoch once, for whatever reason: neither may be set aside for it.
    @Test func anEpochOfATimerAndARecordThatIsRefusedOnceCondemnsNobody() async throws {
        let bench = Bench(
            .alarming(CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20)), registry: .withAlarm)
        bench.log.createTopic("out", partitions: 1)
        bench.push("t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.plan([.refusesData])
        bench.push("t:a", 60_000)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.isEmpty)
        #expect(bench.log.outputs()["all"] == ["10001"])
        #expect(bench.store.counters(of: bench.stage)["records"] == 2)
    }

    /// The other way round: the timer fires in an epoch of its own, and the record that is at fault is found beside it.
    @Test func aRefusedRecordBesideATimerIsFoundAndTheTimerFires() async throws {
        let bench = Bench(
            .alarming(CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20)), registry: .withAlarm)
        bench.log.createTopic("out", partitions: 1)
        bench.store.refuse(text: "poison")
        bench.push("t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.log.append(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":\#(1_700_000_060_000),"features":{"f":{"x":"poison"}}}"#,
            at: EventTime(microseconds: 1_700_000_060_000_000))
        bench.push("t:a", 60_001)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["sql-22003"])
        #expect(bench.log.outputs()["all"] == ["10001"])
    }
}
