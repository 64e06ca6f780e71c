public import EgizCore

/// Changes what is deployed: apply, roll back, pause, resume, delete. Confined to the thread of its store.
///
/// Plans and stores in one transaction, so that two that apply at once see each other.
public struct Deployer {
    /// Reads a stored text; nil where this program cannot.
    public typealias Reader = (_ name: String, _ text: String) -> Topology?

    public enum Outcome: String, Sendable, Codable { case applied, unchanged, planned, refused }

    public struct Result: Sendable, Equatable {
        public var plan: DeploymentPlan
        public var outcome: Outcome
        /// The stored version; nil where nothing was stored.
        public var version: Int64?
        public var state: Deployment.State
    }

    private let store: any DeploymentStore
    private let registry: ProcessorRegistry
    private let read: Reader

    public init(_ store: any DeploymentStore, registry: ProcessorRegistry, read: @escaping Reader) {
        self.store = store
        self.registry = registry
        self.read = read
    }

    /// Applies all of them or, where one is refused or with `dryRun`, none. A text that is deployed already is left alone.
    public func apply(
        _ topologies: [Topology], origin: String, allowing allowances: DeploymentAllowances = DeploymentAllowances(),
        dryRun: Bool = false
    ) throws(EngineError) -> [Result] {
        var results: [Result] = []
        try store.exclusively { () throws(EngineError) in
            let snapshot = try store.snapshot()
            for topology in topologies {
                results.append(try look(topology, among: topologies, snapshot, allowances))
            }
            let isRefused = results.contains { $0.outcome == .refused }
            guard !dryRun, !isRefused else { return }
            for (index, topology) in topologies.enumerated() where results[index].outcome == .planned {
                results[index].version = try store.save(topology.name, text: topology.sourceText, origin: origin)
                results[index].outcome = .applied
            }
        }
        return results
    }

    /// Makes the text of an older version the newest one. Without `version`: the text before the present one, or the one that
    /// runs where the present one was never switched to.
    public func rollBack(
        _ name: String, to version: Int64?, allowing allowances: DeploymentAllowances = DeploymentAllowances(),
        dryRun: Bool = false
    ) throws(EngineError) -> Result {
        let deployment = try existing(name)
        let versions = try store.versions(of: name)
        let present = versions.first { $0.version == deployment.wantedVersion }?.text
        let target: TopologyVersion?
        if let version {
            target = versions.first { $0.version == version }
        } else if deployment.isPending, let running = deployment.runningVersion {
            target = versions.first { $0.version == running }
        } else {
            target = versions.last { $0.version < deployment.wantedVersion && $0.text != present }
        }
        guard let target else {
            let known = versions.map { String($0.version) }.joined(separator: ", ")
            throw EngineError(
                .topology, .never,
                version.map { "topology `\(name)` has no version \($0); it has \(known)" }
                    ?? "topology `\(name)` has no earlier text to go back to; its versions are \(known)")
        }
        guard let topology = read(name, target.text) else {
            throw EngineError(
                .topology, .never,
                "version \(target.version) of topology `\(name)` is not valid for this version of egiz; see `egiz topology diff \(name) --from \(target.version)`"
            )
        }
        let results = try apply(
            [topology], origin: "rollback to \(target.version)", allowing: allowances, dryRun: dryRun)
        guard let result = results.first else {
            throw EngineError(.bug, .stop, "a rollback of `\(name)` gave no result")
        }
        return result
    }

    /// Pauses, resumes or deletes; false where that was so already. A resume also starts again what has failed.
    public func setState(_ state: Deployment.State, of name: String) throws(EngineError) -> Bool {
        var changed = false
        try store.exclusively { () throws(EngineError) in
            let deployment = try existing(name, orDeleted: state == .deleted)
            changed = deployment.state != state || state == .running
            if changed { try store.setState(state, of: name) }
        }
        return changed
    }

    private func existing(_ name: String, orDeleted: Bool = false) throws(EngineError) -> Deployment {
        let snapshot = try store.snapshot()
        if let deployment = snapshot.deployment(name), orDeleted || deployment.state != .deleted { return deployment }
        let names = snapshot.deployments.filter { $0.state != .deleted }.map(\.name)
        let near = NearestWord.find(name, among: names).map { "; did you mean `\($0)`?" } ?? ""
        let hint = names.isEmpty ? "; nothing is deployed" : near
        let was = snapshot.deployment(name) != nil ? "; it was deleted, apply it again" : hint
        throw EngineError(.topology, .never, "no topology `\(name)` is deployed\(was)")
    }

    private func look(
        _ topology: Topology, among all: [Topology], _ snapshot: DeploymentSnapshot, _ allowances: DeploymentAllowances
    ) throws(EngineError) -> Result {
        let deployment = snapshot.deployment(topology.name)
        let plan = DeploymentPlan.make(
            topology, facts: try facts(topology, among: all, snapshot), registry: registry, allowing: allowances)
        var result = Result(
            plan: plan, outcome: .planned, version: nil,
            state: deployment?.state == .paused ? .paused : .running)
        if let deployment, deployment.state != .deleted,
            try store.text(of: topology.name, version: deployment.wantedVersion) == topology.sourceText
        {
            result.outcome = .unchanged
            result.version = deployment.wantedVersion
        } else if !plan.refusals.isEmpty {
            result.outcome = .refused
        }
        return result
    }

    private func facts(_ topology: Topology, among all: [Topology], _ snapshot: DeploymentSnapshot)
        throws(EngineError) -> DeploymentFacts
    {
        var facts = DeploymentFacts(stages: try store.stages(of: topology.name))
        if let own = snapshot.deployment(topology.name) {
            facts.isDeployed = own.state != .deleted
            let version = own.runningVersion ?? own.wantedVersion
            if let text = try store.text(of: topology.name, version: version) {
                facts.previous = read(topology.name, text)
                facts.isPreviousUnreadable = facts.previous == nil
            }
        }
        for other in all where other.name != topology.name { facts.others.append(other) }
        for deployment in snapshot.deployments where deployment.state != .deleted {
            let name = deployment.name
            guard name != topology.name, !all.contains(where: { $0.name == name }) else { continue }
            // Both versions count while one takes the place of the other.
            for version in Set([deployment.wantedVersion, deployment.runningVersion ?? deployment.wantedVersion]) {
                guard let text = try store.text(of: name, version: version) else { continue }
                if let other = read(name, text) {
                    facts.others.append(other)
                } else {
                    facts.unreadable.append(name)
                }
            }
        }
        return facts
    }
}
