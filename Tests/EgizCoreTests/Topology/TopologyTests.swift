import EgizCore
import EgizTesting
import Testing

@Suite struct TopologyTests {
    private func processor(_ name: String, from: String) -> ProcessorDefinition {
        ProcessorDefinition(name: name, kind: "any", from: from, settings: [:], mark: SourceMark(line: 1, column: 1))
    }

    @Test func aStageHoldsWhatItsSourceFeedsInTheOrderARecordMeetsIt() {
        var topology = EgizCore.Topology.testing()
        var second = topology.sources[0]
        second.name = "other"
        topology.sources.append(second)
        topology.processors = [
            processor("late", from: "middle"), processor("middle", from: "twins"), processor("alone", from: "other"),
            processor("twins", from: "source"), processor("history", from: "twins"),
        ]
        let stages = topology.stages
        #expect(stages.map(\.name.text) == ["line.source", "line.other"])
        #expect(stages[0].processors.map(\.name) == ["twins", "middle", "late", "history"])
        #expect(stages[1].processors.map(\.name) == ["alone"])
    }

    @Test func countersKeepTheirNamesBothWays() {
        var counters = StepCounters()
        for (index, entry) in counters.named.enumerated() { counters.set(entry.name, to: Int64(index + 1)) }
        #expect(counters.named.map(\.value) == (1...Int64(counters.named.count)).map { $0 })
        counters.set("of a newer version", to: 5)
        #expect(Set(counters.named.map(\.name)).count == counters.named.count)
    }

    @Test func tasksAreOrderedByStageThenPartition() {
        let a = StageName(topology: "a", source: "s")
        let b = StageName(topology: "b", source: "s")
        let sorted = [TaskID(stage: b, partition: 0), TaskID(stage: a, partition: 10), TaskID(stage: a, partition: 2)]
            .sorted()
        #expect(sorted.map(\.description) == ["a.s/2", "a.s/10", "b.s/0"])
    }
}
