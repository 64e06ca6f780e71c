public import EgizCore

/// What applying a topology would do: where each stage goes on, since when each new processor works, and what forbids it.
///
/// A pure function of the topology and of what is stored; `apply` prints it before it does anything.
public struct DeploymentPlan: Sendable, Equatable {
    public enum Start: Sendable, Equatable {
        /// It runs already and goes on where it is.
        case keeps
        /// It is not deployed now, but has run before: it goes on where it stopped.
        case startsAt
        /// It has never run.
        case new(SourceDefinition.Start)
    }

    public struct NewProcessor: Sendable, Equatable {
        public var name: String
        public var kind: String
    }

    public struct Stage: Sendable, Equatable {
        public var name: StageName
        public var start: Start
        /// Where its tasks stand in the topics that it reads; they move on until the switch.
        public var positions: [TopicPartition: NextOffset]
        /// Topics that a stage which has run begins to read now, from the source's `start`.
        public var newTopics: [String]
        public var newProcessors: [NewProcessor]
        public var removedProcessors: [String]
        /// Where the source begins what it has no position for.
        public var begin: SourceDefinition.Start
    }

    public var topology: String
    public var stages: [Stage]
    public var removedStages: [StageName]
    public var notes: [String]
    /// Why it cannot be applied, all reasons at once; empty where it can.
    public var refusals: [String]

    public static func make(
        _ topology: Topology, facts: DeploymentFacts, registry: ProcessorRegistry,
        allowing allowances: DeploymentAllowances = DeploymentAllowances()
    ) -> DeploymentPlan {
        let checks = DeploymentChecks(
            topology: topology, facts: facts, registry: registry, allowances: allowances)
        var plan = DeploymentPlan(
            topology: topology.name, stages: topology.stages.map { stage($0, facts) },
            removedStages: checks.removed.map(\.name), notes: [], refusals: [])
        checks.run(&plan)
        return plan
    }

    private static func stage(_ stage: StageDefinition, _ facts: DeploymentFacts) -> Stage {
        let before = facts.previous?.stages.first { $0.name == stage.name }
        let stored = facts.stages.first { $0.name == stage.name }
        let topics = Set(stage.source.topics.map(\.name))
        let positions = stored?.positions.filter { topics.contains($0.key.topic) } ?? [:]
        let start: Start =
            if stored == nil || stored?.positions.isEmpty == true {
                .new(stage.source.start)
            } else if facts.isDeployed, before != nil { .keeps } else { .startsAt }
        let known = before.map { Set($0.processors.map(\.name)) } ?? []
        let present = Set(stage.processors.map(\.name))
        let isNew = if case .new = start { true } else { false }
        return Stage(
            name: stage.name, start: start, positions: positions,
            newTopics: isNew
                ? [] : stage.source.topics.map(\.name).filter { stored?.topics.contains($0) == false },
            newProcessors: stage.processors.filter { !known.contains($0.name) }.map {
                NewProcessor(name: $0.name, kind: $0.kind)
            },
            removedProcessors: before?.processors.map(\.name).filter { !present.contains($0) } ?? [],
            begin: stage.source.start)
    }
}
