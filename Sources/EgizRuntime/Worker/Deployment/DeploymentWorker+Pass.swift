import EgizCore
import Logging

extension DeploymentWorker {
    /// One look at the database and what follows from it. False where the worker's own state changed by it: then look again.
    func pass(_ store: any DeploymentStore) throws(EngineError) -> Bool {
        let snapshot = try tell(store)
        let mine = snapshot.deployments.filter { setup.scope?.contains($0.name) ?? true }
        for deployment in mine where deployment.state != .deleted && served[deployment.name] == nil {
            served[deployment.name] = ServedTopology(name: deployment.name)
        }
        // A worker may have died between a topology's end and that of its alerts.
        if endings == nil {
            endings = [:]
            for deployment in mine where deployment.state == .deleted {
                endings?[deployment.name] = StageEnding(version: nil, present: [])
            }
        }
        let isIdle = mine.allSatisfy { $0.state == .deleted }
        if isIdle, !hasSaidIdle { logger.notice("nothing is deployed; waiting for `egiz topology apply`") }
        hasSaidIdle = isIdle
        for topology in served.values {
            topology.forgetEnded()
            let deployment = mine.first { $0.name == topology.name && $0.state != .deleted }
            try prepare(topology, deployment, store)
            try act(topology, deployment, store)
            guard deployment == nil, case .none = topology.state else { continue }
            if snapshot.deployment(topology.name)?.state == .deleted {
                endings?[topology.name] = StageEnding(version: nil, present: [])
            }
            served[topology.name] = nil
        }
        for name in (endings ?? [:]).keys.sorted() { endStages(of: name, snapshot.deployment(name), store) }
        let reports = mine.filter { $0.state != .deleted }.compactMap { served[$0.name]?.report($0) }
        defer { lastReports = reports }
        return reports == lastReports
    }

    /// Says that the worker lives and how it stands; switches what all have prepared. What the database then says.
    private func tell(_ store: any DeploymentStore) throws(EngineError) -> DeploymentSnapshot {
        if !hasJoined {
            // Whoever switches at this moment sees either this worker's row or is seen by it.
            try store.exclusively { () throws(EngineError) in
                try store.beat(identity, scope: setup.scope, reports: [])
            }
            hasJoined = true
        } else {
            try store.beat(identity, scope: setup.scope, reports: lastReports)
        }
        let snapshot = try store.snapshot()
        guard Self.due(snapshot).contains(where: { setup.scope?.contains($0.name) ?? true }) else { return snapshot }
        try store.exclusively { () throws(EngineError) in
            for deployment in Self.due(try store.snapshot()) {
                try store.switchTo(deployment.wantedVersion, of: deployment.name)
                logger.notice(
                    "topology switched: all live workers have prepared the version",
                    metadata: [
                        LogKey.topology: "\(deployment.name)", LogKey.version: "\(deployment.wantedVersion)",
                    ])
            }
        }
        return try store.snapshot()
    }

    /// What may be switched now.
    private static func due(_ snapshot: DeploymentSnapshot) -> [Deployment] {
        snapshot.deployments.filter { Rollout.maySwitch($0, workers: snapshot.workers(of: $0.name)) }
    }

    /// Begins to prepare what is wanted, and what runs elsewhere already.
    private func prepare(_ topology: ServedTopology, _ deployment: Deployment?, _ store: any DeploymentStore)
        throws(EngineError)
    {
        let versions = [deployment?.wantedVersion, deployment?.runningVersion].compactMap(\.self)
        let refusedBefore = versions.filter { topology.refusal($0) != nil }
        let waitBefore = topology.wait
        let next = topology.next(of: versions, .now)
        if let wait = topology.wait, waitBefore == nil {
            logger.warning(
                "topology waits to be prepared",
                metadata: [LogKey.topology: "\(topology.name)", LogKey.reason: "\(wait)"])
        }
        for version in versions where !refusedBefore.contains(version) {
            guard let error = topology.refusal(version) else { continue }
            logger.error(
                "topology refused: this worker cannot run the version",
                metadata: [
                    LogKey.topology: "\(topology.name)", LogKey.version: "\(version)", LogKey.error: "\(error)",
                ])
        }
        guard let version = next else { return }
        guard let text = try store.text(of: topology.name, version: version) else {
            topology.refuse(
                version, EngineError(.topology, .stop, "version \(version) has no text in table egiz.topology"))
            return
        }
        topology.begin(
            Preparation(
                topology: topology.name, version: version, text: text, registry: setup.registry,
                prepare: setup.prepare
            ) { [weak self] in self?.wakeUp() })
    }

    private func act(_ topology: ServedTopology, _ deployment: Deployment?, _ store: any DeploymentStore)
        throws(EngineError)
    {
        switch RunAction.next(deployment, run: topology.state, canStart: { topology.topology($0) != nil }) {
        case .nothing: return
        case .stop:
            logger.info("topology drains", metadata: [LogKey.topology: "\(topology.name)"])
            topology.run?.stop()
        case .start(let key):
            guard let definition = topology.topology(key.version) else { return }
            // Stages of earlier versions that are gone have no task left to end their alerts and scenes.
            endings?[topology.name] = StageEnding(version: key.version, present: definition.stages.map(\.name))
            endStages(of: topology.name, deployment, store)
            logger.info(
                "topology starts",
                metadata: [LogKey.topology: "\(topology.name)", LogKey.version: "\(key.version)"])
            let run = ServedTopology.Run(
                key: key,
                run: TopologyRun(
                    DeployedTopology(topology: definition, version: key.version), registry: setup.registry,
                    worker: identity, configuration: setup.configuration, consumers: setup.consumers,
                    stores: setup.stores, outputs: setup.outputs, calls: setup.calls, logger: logger))
            topology.start(run)
            let (logger, name) = (logger, topology.name)
            run.start { [weak self, weak run] in
                if let error = run?.error {
                    logger.error(
                        "topology stopped; what else runs here goes on",
                        metadata: [LogKey.topology: "\(name)", LogKey.error: "\(error)"])
                }
                self?.wakeUp()
            }
        }
    }
}
