import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import Testing

@Suite struct DeploymentPlanTests {
    private let stage = StageName(topology: "line", source: "source")

    private func stored(_ name: StageName? = nil, topic: String = "events", hasState: Bool = true) -> StoredStage {
        StoredStage(
            name: name ?? stage, partitions: 2,
            positions: [
                TopicPartition(topic, 0): NextOffset(stored: 120), TopicPartition(topic, 1): NextOffset(stored: 98),
            ], hasState: hasState)
    }

    private func running(_ previous: Topology = .testing(), others: [Topology] = []) -> DeploymentFacts {
        DeploymentFacts(previous: previous, isDeployed: true, stages: [stored()], others: others)
    }

    private func plan(
        _ topology: Topology, _ facts: DeploymentFacts, _ allowances: DeploymentAllowances = DeploymentAllowances()
    ) -> DeploymentPlan {
        DeploymentPlan.make(topology, facts: facts, registry: .builtin, allowing: allowances)
    }

    private func renamedSource(_ topology: Topology, _ name: String) -> Topology {
        var topology = topology
        topology.sources[0].name = name
        topology.processors[0].from = name
        return topology
    }

    // MARK: What is said

    @Test func aStageThatRunsKeepsItsPlace() {
        #expect(plan(.testing(), running()).lines == ["line.source  keeps"])
    }

    @Test func aNewProcessorWorksSinceTheStoredOffsets() {
        let more = Topology.testing(further: [.historyWriter(name: "second")])
        #expect(
            plan(more, running()).lines == [
                "line.source  keeps", "  second (history-writer)  since offset 0:120 1:98",
            ])
    }

    @Test func aNewStageSaysWhereItBegins() {
        let lines = plan(.testing(start: .latest), DeploymentFacts()).lines
        #expect(
            lines == [
                "line.source  new, from latest", "  twins (twin-projector)  since latest",
                "  history (history-writer)  since latest",
            ])
    }

    @Test func aStageThatRanBeforeStartsWhereItStopped() {
        var facts = running()
        facts.isDeployed = false
        #expect(plan(.testing(), facts).lines == ["line.source  starts at offset 0:120 1:98"])
    }

    @Test func manyPartitionsAreSaidAsARange() {
        var facts = running()
        for partition in 0..<12 {
            facts.stages[0].positions[TopicPartition("events", Int32(partition))] = NextOffset(
                stored: Int64(100 + partition))
        }
        facts.isDeployed = false
        #expect(plan(.testing(), facts).lines == ["line.source  starts at offset 100…111 (12 partitions)"])
    }

    @Test func aTopicThatJoinsIsSaid() {
        let plan = plan(.testing(topics: ["events", "more"]), running())
        #expect(plan.lines == ["line.source  keeps", "  topic more  from earliest"])
        #expect(plan.refusals.isEmpty)
    }

    // MARK: What is refused

    @Test func aSecondWriterOfAProjectionIsRefusedWithBothNames() {
        let refusals = plan(.testing(), running(others: [.testing(name: "second")])).refusals
        #expect(refusals.count == 1)
        for word in ["line.source", "second.source", "\"events\"", "\"history\", \"twin\""] {
            #expect(refusals.first?.contains(word) == true, "\(word)")
        }
        // From another topic it may: a thing belongs to the stage that created it.
        #expect(plan(.testing(), running(others: [.testing(name: "second", topics: ["own"])])).refusals.isEmpty)
    }

    @Test func aCircleThroughDeployedTopologiesIsRefusedUnlessDeclared() {
        func copying(_ name: String, _ reads: String, _ writes: String) -> Topology {
            let settings: [String: ConfigValue] = [
                "to": ConfigValue(.string(writes), at: SourceMark(line: 1, column: 1))
            ]
            let copy = ProcessorDefinition(
                name: "copy", kind: "map", from: "twins", settings: settings, mark: SourceMark(line: 1, column: 1))
            return .testing(name: name, topics: [reads], further: [copy])
        }
        var mine = copying("line", "events", "b")
        let other = copying("second", "b", "events")
        let refusals = plan(mine, running(others: [other])).refusals
        #expect(
            refusals == [
                #"records would run in a circle: `line.source` writes "b", `second.source` writes "events", which `line.source` reads; write to another topic, or say `cycle: true` at a source of the circle where that is meant"#
            ])
        mine.sources[0].mayCycle = true
        #expect(plan(mine, running(others: [other])).refusals.isEmpty)
        // A circle that was there before is not this topology's.
        let third = copying("third", "events2", "elsewhere")
        #expect(plan(third, DeploymentFacts(others: [copying("line", "events", "b"), other])).refusals.isEmpty)
    }

    @Test func aStageThatVanishesWithStateIsRefusedUnlessAllowed() {
        let without = renamedSource(.testing(topics: ["elsewhere"]), "other")
        let refusals = plan(without, running()).refusals
        #expect(refusals.count == 1)
        #expect(refusals.first?.contains("line.source") == true)
        #expect(refusals.first?.contains("--allow-removed-stages") == true)
        let allowed = plan(without, running(), DeploymentAllowances(removedStages: true))
        #expect(allowed.refusals.isEmpty)
        #expect(allowed.lines.contains("line.source  ends"))
        var empty = running()
        empty.stages = [stored(hasState: false)]
        #expect(plan(without, empty).refusals.isEmpty)
    }

    @Test func aRenamedStageIsRefusedEvenWhereStagesMayGo() {
        let renamed = renamedSource(.testing(), "renamed")
        let refusals = plan(renamed, running(), DeploymentAllowances(removedStages: true, otherTopics: true)).refusals
        #expect(refusals.count == 1)
        #expect(refusals.first?.contains("line.source is gone and line.renamed reads its topics") == true)
    }

    @Test func aProcessorThatChangesItsKindIsRefused() {
        var previous = Topology.testing()
        previous.processors[1].kind = "rollup"
        let refusals = plan(.testing(), running(previous)).refusals
        #expect(refusals.count == 1)
        #expect(
            refusals.first?.contains("`history` is a rollup and would become a history-writer") == true,
            "\(refusals)")
    }

    @Test func anotherPartitionCountIsRefused() {
        let refusals = plan(.testing(partitions: 4), running()).refusals
        #expect(refusals.count == 1)
        #expect(refusals.first?.contains("2 partitions, the file declares 4") == true)
        #expect(refusals.first?.contains("repartition") == true)
        #expect(plan(.testing(partitions: 2), running()).refusals.isEmpty)
    }

    @Test func anotherFormatIsRefused() {
        #expect(plan(.testing(format: .ditto), running()).refusals.count == 1)
    }

    @Test func otherTopicsAreRefusedUnlessAllowed() {
        let moved = Topology.testing(topics: ["elsewhere"])
        #expect(plan(moved, running()).refusals.count == 1)
        let allowed = plan(moved, running(), DeploymentAllowances(otherTopics: true))
        #expect(allowed.refusals.isEmpty && allowed.notes.count == 1)
    }

    @Test func allReasonsAreSaidAtOnce() {
        var previous = Topology.testing()
        previous.processors[1].kind = "rollup"
        let topology = Topology.testing(partitions: 4, format: .ditto)
        #expect(plan(topology, running(previous, others: [.testing(name: "second")])).refusals.count == 4)
    }
}
