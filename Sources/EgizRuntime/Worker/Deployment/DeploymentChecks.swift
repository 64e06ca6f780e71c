import EgizCore

/// What forbids a deployment: a second writer, or state that would break. Each reason names what it is about and what to do.
struct DeploymentChecks {
    let topology: Topology
    let facts: DeploymentFacts
    let registry: ProcessorRegistry
    let allowances: DeploymentAllowances

    /// Stages of the previous version that are gone.
    var removed: [StageDefinition] {
        let present = Set(topology.stages.map(\.name))
        return (facts.previous?.stages ?? []).filter { !present.contains($0.name) }
    }

    func run(_ plan: inout DeploymentPlan) {
        checkWriters(&plan)
        checkCycles(&plan)
        checkRemovedStages(&plan)
        checkKinds(&plan)
        for stage in topology.stages { checkSource(stage, &plan) }
        if facts.isPreviousUnreadable {
            plan.notes.append(
                "the present version cannot be read by this version of egiz; its kinds, formats and stages were not compared"
            )
        }
        for name in facts.unreadable {
            plan.notes.append(
                "the deployed topology `\(name)` cannot be read by this version of egiz; whether both write one projection was not checked"
            )
        }
    }

    private func stored(_ name: StageName) -> StoredStage? { facts.stages.first { $0.name == name } }

    private func holdsState(_ name: StageName) -> Bool { stored(name)?.hasState ?? false }

    private func list(_ names: some Sequence<String>) -> String {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    // MARK: One writer

    private func projections(_ stage: StageDefinition) -> Set<String> {
        Set(stage.processors.flatMap { registry[$0.kind]?.spec.projections ?? [] })
    }

    /// Two stages write the same rows where they write one projection from one topic. From different topics they may: a thing
    /// belongs to the stage that created it (rule 14), and the other's events of it become dead letters.
    private func checkWriters(_ plan: inout DeploymentPlan) {
        for stage in topology.stages {
            let topics = Set(stage.source.topics.map(\.name))
            for other in facts.others {
                for theirs in other.stages {
                    let shared = topics.intersection(theirs.source.topics.map(\.name))
                    let both = projections(stage).intersection(projections(theirs))
                    guard !shared.isEmpty, !both.isEmpty else { continue }
                    plan.refusals.append(
                        "stage \(stage.name) and stage \(theirs.name) of the deployed topology `\(other.name)` would both write \(list(both)) from the topic \(list(shared)); let one of them read another topic, or delete `\(other.name)` first"
                    )
                }
            }
        }
    }

    /// Circles through this topology and others that are deployed (rule 21).
    private func checkCycles(_ plan: inout DeploymentPlan) {
        for cycle in TopicCycle.undeclared(in: [topology] + facts.others, registry: registry)
        where cycle.edges.contains(where: { $0.from.topology == topology.name }) {
            plan.refusals.append(
                "records would run in a circle: \(cycle.text); write to another topic, or say `cycle: true` at a source of the circle where that is meant"
            )
        }
    }

    // MARK: State

    private func checkRemovedStages(_ plan: inout DeploymentPlan) {
        let before = Set(facts.previous?.stages.map(\.name) ?? [])
        for gone in removed where holdsState(gone.name) {
            let topics = Set(gone.source.topics.map(\.name))
            let heir = topology.stages.first { stage in
                !before.contains(stage.name) && stage.source.topics.contains { topics.contains($0.name) }
            }
            if let heir {
                plan.refusals.append(
                    "stage \(gone.name) is gone and \(heir.name) reads its topics: its things belong to \(gone.name), so their events would become dead letters `owner`. Keep the name of the source, or delete the topology with --purge and apply it anew"
                )
            } else if !allowances.removedStages {
                plan.refusals.append(
                    "stage \(gone.name) is gone, but things belong to it that nothing would keep up to date. Put it back, or say --allow-removed-stages: its things and positions stay, and it goes on there when it comes back"
                )
            } else {
                plan.notes.append("stage \(gone.name) ends; its things and positions stay as they are")
            }
        }
    }

    private func checkKinds(_ plan: inout DeploymentPlan) {
        for old in facts.previous?.processors ?? [] {
            guard let new = topology.processors.first(where: { $0.name == old.name }), new.kind != old.kind else {
                continue
            }
            plan.refusals.append(
                "processor `\(old.name)` is a \(old.kind) and would become a \(new.kind), which cannot read its state; give the new one another name"
            )
        }
    }

    private func checkSource(_ stage: StageDefinition, _ plan: inout DeploymentPlan) {
        guard let stored = stored(stage.name) else { return }
        for topic in stage.source.topics {
            guard let declared = topic.partitions, declared != stored.partitions else { continue }
            plan.refusals.append(
                "stage \(stage.name) was set up with \(stored.partitions) partitions, the file declares \(declared) for the topic \"\(topic.name)\": things would change their place. Declare \(stored.partitions), or see `egiz topology repartition --help`"
            )
        }
        guard stored.hasState else { return }
        let before = facts.previous?.stages.first { $0.name == stage.name }
        if let before, before.source.format != stage.source.format {
            plan.refusals.append(
                "source \(stage.name) read \(before.source.format) and would read \(stage.source.format): the revisions of its things do not continue. Give the new source another name"
            )
        }
        let topics = Set(stage.source.topics.map(\.name))
        let known = stored.topics
        guard !known.isEmpty, known.isDisjoint(with: topics) else { return }
        if allowances.otherTopics {
            plan.notes.append("source \(stage.name) reads \(list(topics)) instead of \(list(known))")
        } else {
            plan.refusals.append(
                "source \(stage.name) read \(list(known)) and would read \(list(topics)) instead: records of one thing would come from two logs. Give the new source another name, or say --allow-other-topics where the new topic continues the old one"
            )
        }
    }
}
