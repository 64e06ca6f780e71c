import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Contract 4: what an epoch emits is in Kafka once, in order.
@Suite struct OutputTests {
    private func bench(_ topology: Topology = .relaying()) -> Bench {
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    private func published(_ bench: Bench, _ count: Int) async -> Bool {
        await bench.log.eventually { $0.ids().count == count }
    }

    @Test func emittedRecordsArePublishedInOrderAndTheirOutboxesDeleted() async throws {
        let bench = bench()
        bench.push(0..<50)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        #expect(await published(bench, 50))
        for (_, values) in bench.log.outputs() { #expect(values == values.sorted { Int($0)! < Int($1)! }) }
        let task = bench.task()
        #expect(await bench.store.eventually { $0.pendingOutboxes(of: task).isEmpty })
        try await worker.stop()
        #expect(bench.log.ids().first == "line/source/events/0@1/0/0")
    }

    @Test func theGroupOffsetsCarryTheEvidence() async throws {
        let bench = bench()
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await published(bench, 10))
        let group = bench.group
        let task = bench.task()
        #expect(
            await bench.log.eventually { log in
                log.groupOffsets(of: group)[TopicPartition("events", 0)]?.metadata
                    == "egiz:1:1:\(bench.store.task(task)?.epoch ?? -1)"
            })
        try await worker.stop()
    }

    @Test func whatACrashedWorkerHadNotPublishedIsPublishedOnceByTheNext() async throws {
        let bench = bench()
        // The first publication fails until the worker is gone; its outboxes wait in the store.
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        bench.push(0..<20)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.caughtUp())
        try await first.stop()
        #expect(bench.log.ids().isEmpty)
        #expect(!bench.store.pendingOutboxes(of: bench.task()).isEmpty)
        bench.log.forgetOutputAccidents()
        bench.push(20..<30)
        let second = bench.worker("w2")
        #expect(await published(bench, 30))
        try await second.stop()
        #expect(Set(bench.log.ids()).count == 30)
        for (_, values) in bench.log.outputs() { #expect(values == values.sorted { Int($0)! < Int($1)! }) }
    }

    @Test func anAnswerThatIsLostIsNotPublishedAgainByTheNextWorker() async throws {
        let bench = bench()
        bench.log.planOutputs([.answerIsLost] + Array(repeating: .fails, count: 1000))
        bench.push(0..<5)
        let first = bench.worker { $0.shutdownGrace = .milliseconds(50) }
        #expect(await published(bench, 5))
        try await first.stop()
        bench.log.forgetOutputAccidents()
        bench.push(5..<8)
        let second = bench.worker("w2")
        #expect(await published(bench, 8))
        try await second.stop()
        #expect(Set(bench.log.ids()).count == 8)
    }

    @Test func aRefusedRecordGoesToTheDeadOutputsAndTheRestIsPublished() async throws {
        let bench = bench()
        bench.log.planOutputs([.refuses([1])])
        bench.log.pauseFetching(true)
        bench.push(0..<4)
        let worker = bench.worker()
        bench.log.pauseFetching(false)
        #expect(await published(bench, 3))
        #expect(await bench.store.eventually { $0.allDeadOutputs.count == 1 })
        try await worker.stop()
        #expect(Set(bench.log.ids()).union(bench.store.allDeadOutputs.map(\.id)).count == 4)
    }

    @Test func aFencedProducerGivesItsTasksUpAndTakesThemOverAnew() async throws {
        let bench = bench()
        bench.log.planOutputs([.fences])
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await published(bench, 10))
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == 10)
        #expect((bench.store.task(bench.task())?.ownerEpoch ?? 0) >= 2)
    }

    @Test func kafkaAwayForOutputNeverFillsTheDeadLettersAndGoesOnByItself() async throws {
        let bench = bench()
        bench.log.planOutputs(Array(repeating: .fails, count: 5))
        bench.push(0..<10)
        let worker = bench.worker()
        #expect(await published(bench, 10))
        #expect(bench.store.allDeadLetters.isEmpty)
        try await worker.stop()
    }

    @Test func postgresThatWentBackInTimeStopsTheTopology() async throws {
        let bench = bench()
        bench.push(0..<5)
        let first = bench.worker()
        #expect(await published(bench, 5))
        try await first.stop()
        bench.log.setGroupOffsets(
            [TopicPartition("events", 0): GroupOffset(next: NextOffset(stored: 9), metadata: "egiz:1:1:999")],
            of: bench.group)
        let error = await bench.worker("w2").failure()
        #expect(error?.code == .gap)
        #expect(error?.detail == "evidence")
    }

    /// Between a worker's question to Postgres and its question to Kafka another one takes the task over, commits and publishes.
    @Test func whatAnotherWorkerPublishesDuringATakeoverIsNoGap() async throws {
        let bench = bench()
        bench.push(0..<5)
        let first = bench.worker()
        #expect(await published(bench, 5))
        try await first.stop()
        let (group, place) = (bench.group, TopicPartition("events", 0))
        let before = bench.log.groupOffsets(of: group)
        let (store, task) = (bench.store, bench.task())
        bench.log.beforeGroupOffsetsAreRead([
            {
                let other = WorkerIdentity(id: "w3", host: "test", processID: 3)
                _ = try? MemoryStoreFactory(store: store).openTaskStore(worker: other)
                    .acquire([task], partitions: 1, topologyVersion: 1)
                bench.log.setGroupOffsets(
                    [place: GroupOffset(next: NextOffset(stored: 9), metadata: "egiz:1:1:999")], of: group)
            },
            { bench.log.setGroupOffsets(before, of: group) },
        ])
        bench.push(5..<9)
        let second = bench.worker("w2") { $0.sessionTimeout = .milliseconds(200) }
        #expect(await published(bench, 9))
        #expect(bench.log.groupOffsetsToBeRead == 0)
        #expect(bench.store.allGaps.isEmpty)
        try await second.stop()
    }

    @Test func whereTheSourceReportsGapsARestoredPostgresBeginsANewIncarnation() async throws {
        let bench = bench(.relaying(onGap: .report))
        bench.push(0..<5)
        let first = bench.worker()
        #expect(await published(bench, 5))
        try await first.stop()
        bench.log.setGroupOffsets(
            [TopicPartition("events", 0): GroupOffset(next: NextOffset(stored: 9), metadata: "egiz:1:1:999")],
            of: bench.group)
        bench.push(5..<6)
        let second = bench.worker("w2")
        #expect(await published(bench, 6))
        try await second.stop()
        #expect(bench.log.ids().last?.contains("@2/") == true)
        #expect(bench.store.allGaps.contains { $0.reason == .evidence })
    }

    @Test(arguments: 0..<8)
    func everythingIsPublishedOnceUnderRandomAccidents(_ seed: Int) async throws {
        var random = SystemRandomNumberGenerator()
        let bench = bench()
        bench.log.planOutputs(
            (0..<30).map { _ in [.fails, .fences, .fails].randomElement(using: &random) ?? .fails })
        var worker = bench.worker("w0")
        for round in 0..<6 {
            bench.push((round * 40)..<((round + 1) * 40))
            #expect(await bench.caughtUp())
            if round % 2 == 1 {
                try await worker.stop()
                worker = bench.worker("w\(round)")
            }
        }
        bench.log.forgetOutputAccidents()
        #expect(await published(bench, 240))
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == 240)
        for (_, values) in bench.log.outputs() { #expect(values == values.sorted { Int($0)! < Int($1)! }) }
    }
}

extension OutputTests {
    /// Between a producer that is given up and the takeover that follows, nothing later may be published: the evidence would say
    /// that what was in hand is in Kafka.
    @Test(arguments: 0..<6)
    func nothingIsPublishedPastWhatAFencedProducerHadInHand(_ round: Int) async throws {
        var topology = Topology.relaying()
        topology.commit = CommitPolicy(interval: .zero, maxRecords: 1, maxBytes: 64 << 20)
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        bench.log.planOutputs(Array(repeating: .fences, count: 4))
        bench.push(0..<60)
        let worker = bench.worker { $0.pollLimit = 1 }
        #expect(await bench.log.eventually { $0.ids().count == 60 })
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == 60)
    }

    /// Rule 12: what Kafka does not take must not pile up in Postgres and in memory for ever.
    @Test func processingPausesWhereTooMuchIsUnpublishedAndGoesOnWhenKafkaTakesIt() async throws {
        let bench = bench()
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        bench.push(0..<300)
        let worker = bench.worker {
            $0.mostUnpublished = 2000
            $0.pollLimit = 5
        }
        #expect(await bench.log.eventually { $0.publishAttempts >= 5 })
        let bytes = bench.store.pendingOutboxes(of: bench.task()).flatMap(\.records).reduce(0) { $0 + $1.size }
        #expect(bytes > 2000)
        #expect(bench.store.position(of: bench.task(), topic: "events").map { $0 < 300 } == true, "\(bytes) bytes")
        bench.log.forgetOutputAccidents()
        #expect(await published(bench, 300))
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == 300)
    }

    /// Rule 10: what the producer of a worker that did not release its task has open must not land after the takeover.
    @Test func takingOverAnUnreleasedTaskFencesItsProducerFirst() async throws {
        let bench = bench()
        bench.log.planOutputs(Array(repeating: .fails, count: 1000))
        bench.push(0..<20)
        let first = bench.worker("w1") { $0.shutdownGrace = .milliseconds(50) }
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.publishAttempts > 0 })
        try await first.stop()
        let id = try #require(bench.store.task(bench.task())?.transactionalID)
        let epoch = bench.log.producerEpoch(id)
        #expect(epoch > 0)
        bench.log.forgetOutputAccidents()
        // The first try fails after it has made the task its own.
        bench.log.breakFences(1)
        let second = bench.worker("w2")
        #expect(await published(bench, 20))
        #expect(bench.log.producerEpoch(id) == epoch + 1)
        #expect(bench.log.fencesToBreak == 0)
        try await second.stop()
        // Released cleanly: the third has nobody to fence.
        let other = bench.log.producerEpoch(bench.group + ".w2.0")
        let third = bench.worker("w3")
        bench.push(20..<21)
        #expect(await published(bench, 21))
        #expect(bench.log.producerEpoch(bench.group + ".w2.0") == other && other > 0)
        try await third.stop()
    }
}
