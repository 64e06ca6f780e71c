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
        _ caller: String = "", partitions: Int = 2,
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
                commit: commit), partitions: partitions)
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
        // As much as comes in ten minutes: nothing but the model's own stage notices.
        bench.push(0..<6000, things: 10)
        #expect(
            await bench.store.eventually(seconds: 30) { store in
                (0..<10).reduce(0) { $0 + store.samples(.init("t:m\($1)", "/features/f/properties/x")).count } == 6000
            })
        #expect(await model.isWaitedFor())
        for partition in 0..<Int32(2) {
            let end = bench.log.end(of: TopicPartition("events", partition)).raw
            #expect(bench.store.position(of: task("source", partition), topic: "events") == end, "no lag")
        }
        #expect(bench.store.position(of: task("asked", 0), topic: "ml.input.v1.t") ?? 0 == 0)
        #expect(model.hanging > 0 && model.hanging <= 4 && count(bench) == 0)
        #expect(bench.store.allDeadLetters.isEmpty)
        // And when it is back, nothing was lost.
        model.recover()
        #expect(await bench.log.eventually(seconds: 30) { _ in self.count(bench) >= 6000 })
        try await worker.stop()
        #expect(count(bench) == 6000)
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
