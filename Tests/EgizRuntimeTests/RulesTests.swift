import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rules 19 and 20: the registry and the inbox, between epochs, by the task's owner.
@Suite struct RulesTests {
    private static let mark = SourceMark(line: 1, column: 1)

    private func value(_ json: String) throws -> ConfigValue {
        ConfigValue(json: try JSONParser().parse(Array(json.utf8)), at: Self.mark)
    }

    private func topology() throws -> Topology {
        func definition(_ name: String, _ kind: String, _ settings: [String: ConfigValue]) -> ProcessorDefinition {
            ProcessorDefinition(name: name, kind: kind, from: "twins", settings: settings, mark: Self.mark)
        }
        return .testing(further: [
            definition(
                "scene", "binding-evaluator",
                [
                    "bindings": try value(#"[{"objectName":"O","target":"text","path":"features.f.x"}]"#),
                    "registry": try value("true"), "to": try value(#""bindings""#),
                ]),
            definition(
                "alerts", "alert-rule",
                [
                    "rules": try value(#"[{"name":"high","when":"features.f.x > 100","message":"m"}]"#),
                    "to": try value(#""alerts""#),
                ]),
        ])
    }

    private func bench() throws -> Bench {
        let bench = Bench(try topology())
        for topic in ["bindings", "alerts"] { bench.log.createTopic(topic, partitions: 1) }
        return bench
    }

    private func binding(_ id: Int64, thing: String, _ object: String) throws -> RuleRegistry.Binding {
        .init(
            id: id, type: nil, thing: thing,
            settings: try value(#"{"objectName":"\#(object)","target":"text","path":"features.f.x"}"#))
    }

    @Test func aChangeOfTheRegistryReachesSilentThingsWithinTwoSeconds() async throws {
        let bench = try bench()
        // More than a page of them.
        for n in 0..<1100 { bench.push("t:m\(n)", n) }
        let worker = bench.worker { $0.registryInterval = .milliseconds(20) }
        #expect(await bench.caughtUp())
        bench.store.setRegistry(bindings: [try binding(1, thing: "t:m1099", "P"), try binding(2, thing: "t:m3", "P")])
        #expect(
            await bench.store.eventually { store in
                store.allScenes.filter { $0.object == "P" }.map(\.value) == ["\"1099\"", "\"3\""]
                    && store.task(TaskID(stage: bench.stage, partition: 0))?.rules?.reviewedThrough == nil
            })
        let rules = try #require(bench.store.task(bench.task())?.rules)
        #expect(rules.version == 1)
        #expect(bench.store.counters(of: bench.stage)["reviewed"] == 1100)
        try await worker.stop()
        #expect(worker.worker.statuses.allSatisfy { if case .failed = $0.state { false } else { true } })
    }

    /// While a fleet is enrolled, each registration concerns one thing.
    @Test func aRegisteredThingAloneIsLookedAtAgain() async throws {
        let bench = try bench()
        let rule = RuleRegistry.AlertRule(
            type: "t:pump", settings: try value(#"{"name":"pump","when":"features.f.x > 1","message":"m"}"#))
        bench.store.setRegistry(alertRules: [rule], thingTypes: [:])
        for n in 0..<50 { bench.push("t:m\(n)", 5) }
        let worker = bench.worker { $0.registryInterval = .milliseconds(20) }
        #expect(await bench.caughtUp())
        bench.store.setRegistry(
            alertRules: [rule], thingTypes: ["t:m7": "t:pump", "t:m8": "t:pump", "t:silent": "t:pump"])
        #expect(await bench.store.eventually { $0.allAlerts.map(\.thing.text) == ["t:m7", "t:m8"] })
        // One goes, another comes.
        bench.store.setRegistry(alertRules: [rule], thingTypes: ["t:m8": "t:pump", "t:m9": "t:pump"])
        let task = TaskID(stage: bench.stage, partition: 0)
        #expect(
            await bench.store.eventually { store in
                store.allAlerts.filter { $0.state != .cleared }.map(\.thing.text) == ["t:m8", "t:m9"]
                    && store.task(task)?.rules?.version == 3
            })
        #expect(bench.store.counters(of: bench.stage)["reviewed"] == 4, "two, and two")
        try await worker.stop()
        let rules = try #require(bench.store.task(task)?.rules)
        #expect(rules.reviewedThrough == nil)
        // Whoever takes over has all of it in force.
        let second = bench.worker("w2")
        bench.push("t:m9", 6)
        #expect(await bench.caughtUp())
        try await second.stop()
        #expect(bench.store.counters(of: bench.stage)["reviewed"] == 4 && bench.store.task(task)?.rules == rules)
    }

    /// What a worker did not see while nobody had its tasks.
    @Test func typesThatChangedWhileNobodyWorkedReachAllThings() async throws {
        let bench = try bench()
        let rule = RuleRegistry.AlertRule(
            type: "t:pump", settings: try value(#"{"name":"pump","when":"features.f.x > 1","message":"m"}"#))
        bench.store.setRegistry(alertRules: [rule], thingTypes: [:])
        for n in 0..<10 { bench.push("t:m\(n)", 5) }
        let first = bench.worker("w1")
        #expect(await bench.caughtUp())
        try await first.stop()
        bench.store.setRegistry(alertRules: [rule], thingTypes: ["t:m7": "t:pump"])
        let second = bench.worker("w2")
        #expect(await bench.store.eventually { $0.allAlerts.map(\.thing.text) == ["t:m7"] })
        try await second.stop()
    }

    @Test func anotherOwnerGoesOnWithTheRegistryInForce() async throws {
        let bench = try bench()
        bench.store.setRegistry(bindings: [try binding(1, thing: "t:m0", "P")])
        bench.push(0..<10)
        let first = bench.worker("w1")
        #expect(await bench.caughtUp())
        try await first.stop()
        let scenes = bench.store.allScenes
        #expect(scenes.count == 6)
        let second = bench.worker("w2")
        bench.push(10..<20)
        #expect(await bench.caughtUp())
        try await second.stop()
        #expect(bench.store.allScenes.count == 6, "no binding of the registry was lost on the way")
        #expect(bench.store.counters(of: bench.stage)["reviewed"] == 0, "and nothing had to be reviewed")
    }

    @Test func aMessageOfAPersonIsConsumedOnceAlthoughTheAnswerOfItsCommitIsLost() async throws {
        let bench = try bench()
        bench.push("t:a", 200)
        let worker = bench.worker()
        #expect(await bench.store.eventually { !$0.allAlerts.isEmpty })
        bench.store.plan([.answerIsLost])
        bench.store.send(
            "acknowledge", to: "alerts", of: bench.task(), thing: try ThingID(validating: "t:a"), subject: "high",
            by: "maria")
        #expect(
            await bench.store.eventually { $0.allAlerts.first?.state == .acknowledged && $0.waitingMessages.isEmpty })
        bench.push("t:b", 1)
        #expect(await bench.caughtUp())
        #expect(bench.store.counters(of: bench.stage)["messages"] == 1)
        #expect(bench.store.allAlerts.first?.acknowledgedBy == "maria")
        try await worker.stop()
    }

    /// What is in commit is not in the store yet: it must not be delivered a second time before it is gone.
    @Test func aMessageOfAPersonIsConsumedOnceThoughAnotherEpochIsInCommit() async throws {
        let bench = try bench()
        bench.push("t:a", 200)
        let worker = bench.worker { $0.redriveInterval = .zero }
        #expect(await bench.store.eventually { !$0.allAlerts.isEmpty })
        bench.store.holdCommits()
        bench.push("t:b", 1)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.store.send(
            "acknowledge", to: "alerts", of: bench.task(), thing: try ThingID(validating: "t:a"), subject: "high",
            by: "maria")
        let looks = bench.store.redriveLooks
        #expect(await bench.store.eventually { $0.redriveLooks >= looks + 2 }, "by then it is in the open epoch")
        bench.store.letCommitsGo()
        #expect(await bench.store.eventually { $0.waitingMessages.isEmpty })
        try await worker.stop()
        #expect(bench.store.counters(of: bench.stage)["messages"] == 1)
    }

    /// A thing of an epoch in commit was folded by the rules before, and is not in the list of things yet.
    @Test func aThingThatIsInCommitWhenTheRegistryChangesIsLookedAtToo() async throws {
        let bench = try bench()
        bench.push("t:b", 1)
        let worker = bench.worker {
            $0.registryInterval = .zero
            $0.redriveInterval = .zero
        }
        #expect(await bench.caughtUp())
        bench.store.holdCommits()
        bench.push("t:a", 2)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        bench.store.setRegistry(bindings: [try binding(1, thing: "t:a", "P"), try binding(2, thing: "t:b", "P")])
        let looks = bench.store.redriveLooks
        #expect(await bench.store.eventually { $0.redriveLooks >= looks + 3 }, "by then the registry is in force")
        bench.store.letCommitsGo()
        #expect(
            await bench.store.eventually { store in
                store.allScenes.filter { $0.object == "P" }.map(\.value) == ["\"2\"", "\"1\""]
            })
        try await worker.stop()
    }

    /// A thread that waits in the callback of a rebalance would keep the whole group from its partitions.
    @Test func aRegistryThatCannotBeReadDoesNotHoldUpTheGroup() async throws {
        let bench = Bench(try topology(), partitions: 2)
        for topic in ["bindings", "alerts"] { bench.log.createTopic(topic, partitions: 1) }
        bench.store.setRegistryAway(true)
        let group = bench.group
        let first = bench.worker("w1")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [2] })
        let second = bench.worker("w2")
        #expect(await bench.log.eventually { $0.assignment(of: group).values.map(\.count) == [1, 1] })
        bench.store.setRegistryAway(false)
        for n in 0..<10 { bench.push("t:m\(n)", n, partition: Int32(n % 2)) }
        #expect(await bench.caughtUp())
        try await first.stop()
        try await second.stop()
    }

    @Test func aStageThatLostItsRulesEndsWhatTheyLeftAndConsumesWhatPeopleAsked() async throws {
        let bench = try bench()
        for n in 0..<600 { bench.push("t:m\(n)", 200 + n) }
        let first = bench.worker("w1")
        #expect(await bench.caughtUp())
        #expect(await bench.store.eventually { $0.allAlerts.count == 600 && $0.allScenes.count == 600 })
        try await first.stop()
        bench.store.send(
            "clear", to: "alerts", of: bench.task(), thing: try ThingID(validating: "t:m1"), subject: "high", by: nil)
        let second = bench.worker("w2", topologies: [.testing()])
        #expect(
            await bench.store.eventually { store in
                store.allScenes.isEmpty && store.allAlerts.allSatisfy { $0.state == .cleared }
                    && store.waitingMessages.isEmpty
            })
        #expect(
            await bench.store.eventually {
                $0.task(TaskID(stage: bench.stage, partition: 0))?.rules?.reviewedThrough == nil
            })
        try await second.stop()
        #expect(bench.store.allStates.isEmpty)
    }

    @Test func aStageWithoutRulesAsksForNeither() async throws {
        let bench = Bench()
        bench.store.setRegistry(bindings: [])
        bench.push(0..<5)
        let worker = bench.worker { $0.registryInterval = .zero }
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.task(bench.task())?.rules == nil)
    }
}
