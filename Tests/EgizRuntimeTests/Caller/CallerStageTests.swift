import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// A caller's stage with its threads: positions, outputs, outages (rule 22).
@Suite struct CallerStageTests {
    private static let mark = SourceMark(line: 1, column: 1)

    private static func settings(_ json: String) throws -> [String: ConfigValue] {
        var settings: [String: ConfigValue] = [:]
        for member in try JSONParser().parse(Array(json.utf8)).object ?? JSONObject() {
            settings[member.key] = ConfigValue(json: member.value, at: mark)
        }
        return settings
    }

    private func bench(
        _ caller: String = "", partitions: Int = 2, parallelism: Int = 1,
        commit: CommitPolicy = CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20)
    ) throws -> Bench {
        Bench(
            .testingModels(
                fanOut: try Self.settings(
                    #"{"task":"t","model":"m","features":[{"name":"x","path":"features.f.x"}],"writeTo":"/features/ml"}"#
                ),
                caller: try Self.settings(
                    #"{"endpoint":"http://model","model":"m","batch":{"size":4,"delay":1},"retry":{"first":1,"most":5},"breaker":{"failures":5,"pause":5}\#(caller)}"#
                ),
                parallelism: parallelism, commit: commit), partitions: partitions)
    }

    private func model() -> MemoryEndpoint {
        MemoryEndpoint.model { features in features["x"] ?? .null }
    }

    /// Records of the topic of answers, as readers of committed records see them: `thing score`, by partition.
    private func answers(_ bench: Bench) -> [[String]] {
        (0..<Int32(bench.log.partitionCount(of: "ml.output.v1.t"))).map { partition in
            bench.log.records(of: TopicPartition("ml.output.v1.t", partition)).compactMap { record in
                guard let object = record.value.flatMap({ try? JSONParser().parse($0).object }) else { return nil }
                return
                    "\(object["thingId"]?.string ?? "?") \(object["prediction"]?.object?["score"] ?? object["error"] ?? .null)"
            }
        }
    }

    private func asked(_ worker: RunningWorker) -> [StageStatus.Snapshot] {
        worker.worker.statuses.filter { $0.stage.source == "asked" }
    }

    private func task(_ source: String, _ partition: Int32) -> TaskID {
        TaskID(stage: StageName(topology: "line", source: source), partition: partition)
    }

    private func count(_ bench: Bench) -> Int {
        (0..<Int32(bench.log.partitionCount(of: "ml.output.v1.t"))).reduce(0) {
            $0 + bench.log.records(of: TopicPartition("ml.output.v1.t", $1)).count
        }
    }

    @Test func questionsAreAskedInBatchesAndAnswersComeOnceAndInOrder() async throws {
        let bench = try bench()
        let model = model()
        bench.push(0..<200, things: 7)
        let worker = bench.worker(calls: model)
        #expect(await bench.log.eventually { _ in self.count(bench) >= 200 })
        #expect(await bench.store.eventually { $0.allPredictions.count == 7 })
        try await worker.stop()
        #expect(count(bench) == 200)
        for thing in 0..<7 {
            let scores = answers(bench).flatMap { $0 }.filter { $0.hasPrefix("t:m\(thing) ") }
            #expect(scores == stride(from: thing, to: 200, by: 7).map { "t:m\(thing) \($0)" })
        }
        #expect(model.requests.count < 200, "they were batched")
        #expect(bench.store.allDeadLetters.isEmpty)
    }

    @Test func aModelThatHangsLeavesHistoryItsLagAndItsThreadAlone() async throws {
        let bench = try bench()
        let model = model()
        model.hang()
        let worker = bench.worker(calls: model)
        // As much as comes in ten minutes, minute by minute: nothing but the model's own stage notices.
        for minute in 0..<10 {
            bench.push(minute * 600..<(minute + 1) * 600, things: 10)
            let ends = (0..<Int32(2)).map { bench.log.end(of: TopicPartition("events", $0)).raw }
            #expect(
                await bench.store.eventually(seconds: 30) { store in
                    ends.indices.allSatisfy {
                        store.position(of: self.task("source", Int32($0)), topic: "events") == ends[$0]
                    }
                }, "history has no lag after minute \(minute)")
            if minute == 0 { #expect(await model.isWaitedFor()) }
        }
        #expect(
            (0..<10).reduce(0) { $0 + bench.store.samples(.init("t:m\($1)", "/features/f/properties/x")).count } == 6000
        )
        #expect(bench.store.position(of: task("asked", 0), topic: "ml.input.v1.t") ?? 0 == 0)
        #expect(model.hanging > 0 && model.hanging <= 4 && count(bench) == 0)
        #expect(bench.store.allDeadLetters.isEmpty)
        // And when it is back, nothing was lost.
        model.recover()
        #expect(await bench.log.eventually(seconds: 30) { _ in self.count(bench) >= 6000 })
        try await worker.stop()
        #expect(count(bench) == 6000)
    }

    /// Each of the two threads alone could have three.
    @Test func theThreadsOfAStageHaveTogetherNoMoreCallsUnderWayThanMayBe() async throws {
        let bench = try bench(#","concurrency":3"#, partitions: 2, parallelism: 2)
        let model = model()
        model.hang()
        bench.push(0..<400, things: 10)
        let worker = bench.worker(calls: model)
        #expect(await model.isWaitedFor(by: 3))
        // Both threads have taken questions: there are some of both partitions, and nobody answers them.
        #expect(
            await bench.log.eventually { log in
                (0..<2).allSatisfy { log.end(of: TopicPartition("ml.input.v1.t", Int32($0))).raw > 20 }
            })
        bench.push(400..<800, things: 10)
        #expect(
            await bench.store.eventually { store in
                (0..<10).reduce(0) { $0 + store.samples(.init("t:m\($1)", "/features/f/properties/x")).count } == 800
            })
        #expect(model.hanging == 3)
        model.recover()
        #expect(await bench.log.eventually(seconds: 30) { _ in self.count(bench) >= 800 })
        try await worker.stop()
        #expect(count(bench) == 800)
    }

    @Test func aModelThatIsNotThereIsKnownAtTheStartAndHoldsNothingUp() async throws {
        let bench = try bench(parallelism: 2)
        let model = model()
        model.health { _ in .away("refused") }
        let worker = bench.worker(calls: model)
        #expect(try await becomes { asked(worker).contains { $0.endpoint == "away: refused" } })
        #expect(
            asked(worker).allSatisfy { $0.state == .running || $0.state == .starting }, "the worker is ready without")
        #expect(model.healthRequests.map(\.url) == ["http://model/health"], "one thread asks, once")
        bench.push(0..<20, things: 20)
        #expect(await bench.log.eventually { _ in self.count(bench) >= 20 })
        #expect(try await becomes { asked(worker).allSatisfy { $0.endpoint == nil } })
        try await worker.stop()
    }

    @Test func aWorkerThatIsTakenOverFromIsAskedForAgainAndNothingIsDoubled() async throws {
        let bench = try bench(partitions: 1)
        let model = model()
        bench.push(0..<10)
        model.hang()
        let first = bench.worker(calls: model)
        #expect(await model.isWaitedFor())
        try await first.stop()
        model.recover()
        let second = bench.worker("w2", calls: model)
        #expect(await bench.log.eventually { _ in self.count(bench) >= 10 })
        try await second.stop()
        #expect(count(bench) == 10)
    }

    @Test func aRecordPostgresRefusesIsFoundAmongAnswersToo() async throws {
        let bench = try bench(partitions: 1)
        let model = model()
        bench.store.refuse(text: "t:m3")
        bench.push(0..<10)
        let worker = bench.worker(calls: model)
        #expect(await bench.store.eventually { $0.allPredictions.count == 4 })
        #expect(await bench.store.eventually { $0.allDeadLetters.count == 2 })
        try await worker.stop()
        #expect(Set(bench.store.allDeadLetters.map(\.code)) == ["sql-22003"])
        #expect(bench.store.allDeadLetters.allSatisfy { $0.stage.source == "answered" })
    }

    @Test func aRecordWhoseDeadLetterPostgresRefusesIsFoundInACallersStage() async throws {
        let bench = try bench(partitions: 1)
        let model = MemoryEndpoint.model { features in
            guard features["x"] == .int(5) else { return .int(1) }
            var error = JSONObject()
            error["error"] = (try? JSONParser().parse(Array(#"{"code":"poison","message":"no"}"#.utf8))) ?? .null
            return .object(error)
        }
        bench.store.refuse(text: "poison")
        bench.push(0..<12)
        let worker = bench.worker(calls: model)
        #expect(await bench.store.eventually { $0.allDeadLetters.count == 1 })
        #expect(await bench.log.eventually { _ in self.count(bench) >= 11 })
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["sql-22003"])
        #expect(count(bench) == 11)
    }

    @Test func epochsThatAreDroppedAreAskedForAgain() async throws {
        let bench = try bench(partitions: 1, commit: CommitPolicy(interval: .zero, maxRecords: 3, maxBytes: 1 << 20))
        let model = model()
        bench.push(0..<30)
        let worker = bench.worker(calls: model)
        for _ in 0..<5 {
            bench.store.plan([.failsBeforeLanding, .answerIsLost, .failsBeforeLanding])
            let now = count(bench)
            #expect(await bench.log.eventually { _ in self.count(bench) > now || self.count(bench) == 30 })
        }
        #expect(await bench.log.eventually { _ in self.count(bench) >= 30 })
        try await worker.stop()
        #expect(answers(bench)[0].count == 30)
        #expect(Set(answers(bench)[0]).count == 30)
    }

    @Test func aDeskThatIsFullTakesNoMoreAndGoesOnWhenItHasRoom() async throws {
        let bench = try bench(partitions: 1)
        let model = model()
        model.hang()
        bench.push(0..<5000, things: 3)
        let worker = bench.worker(calls: model) { $0.pollLimit = 100 }
        #expect(
            await bench.log.eventually(seconds: 20) { log in
                log.end(of: TopicPartition("ml.input.v1.t", 0)).raw == 5000
            })
        #expect(await model.isWaitedFor())
        #expect(worker.worker.statuses.first { $0.stage.source == "asked" }?.partitions == [0])
        model.recover()
        #expect(await bench.log.eventually(seconds: 30) { _ in self.count(bench) >= 5000 })
        try await worker.stop()
        #expect(count(bench) == 5000)
    }
}
