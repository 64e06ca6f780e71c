import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// How soon a change of the registry is in force: whatever the epochs are like.
@Suite struct RegistryLatencyTests {
    private static let mark = SourceMark(line: 1, column: 1)
    private static let hour = CommitPolicy(interval: .seconds(3600), maxRecords: 1000, maxBytes: 64 << 20)

    private func value(_ json: String) throws -> ConfigValue {
        ConfigValue(json: try JSONParser().parse(Array(json.utf8)), at: Self.mark)
    }

    private func bench(_ commit: CommitPolicy) throws -> Bench {
        func definition(_ name: String, _ kind: String, _ settings: [String: ConfigValue]) -> ProcessorDefinition {
            ProcessorDefinition(name: name, kind: kind, from: "twins", settings: settings, mark: Self.mark)
        }
        let bench = Bench(
            .testing(
                commit: commit,
                further: [
                    definition("scene", "binding-evaluator", ["to": try value(#""bindings""#)]),
                    definition("alerts", "alert-rule", ["to": try value(#""alerts""#)]),
                ]))
        for topic in ["bindings", "alerts"] { bench.log.createTopic(topic, partitions: 1) }
        return bench
    }

    private func rule(_ name: String, over limit: Int) throws -> RuleRegistry.AlertRule {
        .init(
            type: "t:pump",
            settings: try value(#"{"name":"\#(name)","when":"features.f.x > \#(limit)","message":"m"}"#))
    }

    /// The open epoch is cut for the change, and what comes of it is committed without the interval.
    @Test func itDoesNotWaitForEpochsOfAnHour() async throws {
        let bench = try bench(Self.hour)
        let types = ["t:m1": "t:pump", "t:m2": "t:pump"]
        bench.store.setRegistry(alertRules: [], thingTypes: types)
        bench.push(0..<1500)
        let worker = bench.worker { $0.registryInterval = .milliseconds(20) }
        let task = bench.task()
        #expect(
            await bench.store.eventually { $0.position(of: task, topic: "events") ?? 0 >= 1000 }, "it was full")
        bench.push(1500..<1510)
        bench.store.setRegistry(
            bindings: [
                .init(
                    id: 1, type: nil, thing: "t:m3",
                    settings: try value(#"{"objectName":"P","target":"text","path":"features.f.x"}"#))
            ])
        #expect(await bench.store.eventually { $0.allScenes.map(\.object) == ["P"] })
        bench.push(1510..<1520)
        bench.store.setRegistry(alertRules: [try rule("high", over: -1)], thingTypes: types)
        #expect(await bench.store.eventually { $0.allAlerts.map(\.thing.text) == ["t:m1", "t:m2"] })
        bench.push(1520..<1530)
        bench.store.setRegistry(alertRules: [], thingTypes: types)
        #expect(await bench.store.eventually { $0.allAlerts.allSatisfy { $0.state == .cleared } })
        #expect(bench.store.committedEpochs.count < 30, "and epochs are as long as they were")
        try await worker.stop()
    }

    /// Of a large registry that changes all the time a thread does not spend its life loading it.
    @Test func whatTakesLongToBeLoadedIsLookedForLessOften() {
        func pause(_ took: Duration) -> Duration {
            StreamThread.registryPause(.milliseconds(500), afterLoading: took)
        }
        #expect(pause(.zero) == .milliseconds(500) && pause(.milliseconds(100)) == .milliseconds(500))
        #expect(pause(.milliseconds(300)) == .milliseconds(900) && pause(.seconds(9)) == .seconds(1))
        #expect(StreamThread.registryPause(.seconds(5), afterLoading: .seconds(1)) == .seconds(5))
    }

    /// While it has no task, a thread looks for no registry; the first records of the next must not meet rules of then.
    @Test func whoTakesTasksOverLooksBeforeTheFirstRecord() async throws {
        let bench = try bench(CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20))
        let types = ["t:a": "t:pump"]
        bench.store.setRegistry(alertRules: [try rule("high", over: 1)], thingTypes: types)
        bench.push("t:a", 0)
        let worker = bench.worker {
            $0.sessionTimeout = .milliseconds(100)
            // It looks only when it takes over.
            $0.registryInterval = .seconds(3600)
        }
        #expect(await bench.caughtUp())
        bench.store.setRegistry(alertRules: [], thingTypes: types)
        bench.store.steal(bench.task())
        bench.push("t:a", 5)
        #expect(await bench.caughtUp())
        #expect(bench.store.task(bench.task())?.rules?.version == 2)
        #expect(bench.store.allAlerts.isEmpty && bench.log.records(of: TopicPartition("alerts", 0)).isEmpty)
        try await worker.stop()
    }
}
