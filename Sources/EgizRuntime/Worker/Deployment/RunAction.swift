/// What a worker does next with its threads of a topology. A pure function.
enum RunAction: Equatable {
    case nothing
    /// Drain, commit, release; then look again.
    case stop
    case start(RunKey)

    /// - Parameters:
    ///   - deployment: nil where the topology is not deployed, or not for this worker.
    ///   - run: what runs, has failed or is draining here.
    ///   - canStart: whether this worker has prepared the version.
    static func next(_ deployment: Deployment?, run: RunState, canStart: (Int64) -> Bool) -> RunAction {
        var wanted: RunKey?
        if let deployment, deployment.state == .running, let version = deployment.runningVersion {
            wanted = RunKey(version: version, restarts: deployment.restarts)
        }
        switch run {
        case .running(let key): return key == wanted ? .nothing : .stop
        case .draining: return .nothing
        case .failed(let key) where key == wanted: return .nothing
        case .failed, .none:
            guard let wanted, canStart(wanted.version) else { return .nothing }
            return .start(wanted)
        }
    }
}

/// What a run was started for: another version or a resume means another run.
struct RunKey: Equatable, Sendable {
    var version: Int64
    var restarts: Int64
}

/// How the threads of a topology stand in this worker.
enum RunState: Equatable {
    case none
    case running(RunKey)
    case draining(RunKey)
    /// The threads have ended by themselves.
    case failed(RunKey)
}
