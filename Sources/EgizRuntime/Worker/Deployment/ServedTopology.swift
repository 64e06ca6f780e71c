import EgizCore
import Synchronization

/// One topology in this worker: what is prepared, what runs, what was refused. Confined to the supervising thread, but for the
/// end of the run.
final class ServedTopology {
    let name: String
    private(set) var run: Run?
    private var prepared: [Int64: Topology] = [:]
    private var refusals: [Int64: EngineError] = [:]
    private var preparation: Preparation?
    private var backoff = Backoff()
    private var again = ContinuousClock.now
    /// Why the preparation waits.
    private(set) var wait: String?

    /// The threads of one version.
    final class Run: Sendable {
        let key: RunKey
        let run: TopologyRun
        private let state = Mutex<(isStopping: Bool, hasEnded: Bool, error: EngineError?)>((false, false, nil))

        init(key: RunKey, run: TopologyRun) {
            self.key = key
            self.run = run
        }

        func start(onEnd: @escaping @Sendable () -> Void) {
            run.start { [self] error in
                state.withLock { $0 = ($0.isStopping, true, error) }
                onEnd()
            }
        }

        func stop() {
            state.withLock { $0.isStopping = true }
            run.stop()
        }

        var isStopping: Bool { state.withLock { $0.isStopping } }
        var hasEnded: Bool { state.withLock { $0.hasEnded } }
        var error: EngineError? { state.withLock { $0.error } }
    }

    init(name: String) { self.name = name }

    // MARK: Preparing

    /// Takes in what a preparation has found, and says which of `versions` is to be prepared next.
    func next(of versions: [Int64], _ now: ContinuousClock.Instant) -> Int64? {
        if let preparation, let result = preparation.result {
            self.preparation = nil
            switch result {
            case .success(let topology):
                prepared[preparation.version] = topology
                backoff.reset()
                wait = nil
            case .failure(let error) where error.retry == .backoff:
                wait = error.message
                again = now.advanced(by: backoff.next())
            case .failure(let error):
                refusals[preparation.version] = error
                wait = nil
            }
        }
        prepared = prepared.filter { versions.contains($0.key) }
        refusals = refusals.filter { versions.contains($0.key) }
        guard preparation == nil, now >= again else { return nil }
        return versions.first { prepared[$0] == nil && refusals[$0] == nil }
    }

    func begin(_ preparation: Preparation) { self.preparation = preparation }

    func refuse(_ version: Int64, _ error: EngineError) { refusals[version] = error }

    func topology(_ version: Int64) -> Topology? { prepared[version] }

    func refusal(_ version: Int64) -> EngineError? { refusals[version] }

    // MARK: Running

    var state: RunState {
        guard let run else { return .none }
        if run.isStopping { return run.hasEnded ? .none : .draining(run.key) }
        return run.hasEnded ? .failed(run.key) : .running(run.key)
    }

    func start(_ run: Run) { self.run = run }

    /// Lets go of a run that has drained, so that its threads no longer show.
    func forgetEnded() { if let run, run.isStopping, run.hasEnded { self.run = nil } }

    // MARK: Telling

    func report(_ deployment: Deployment) -> TopologyReport {
        var report = TopologyReport(topology: name, state: .preparing)
        let versions = [deployment.wantedVersion, deployment.runningVersion].compactMap(\.self)
        report.preparedVersion = versions.filter { prepared[$0] != nil }.max()
        if let version = versions.filter({ refusals[$0] != nil }).max() {
            report.refusedVersion = version
            report.error = refusals[version]?.message
        }
        switch state {
        case .running(let key):
            report.runningVersion = key.version
            report.state = .running
        case .draining(let key):
            report.runningVersion = key.version
            report.state = .draining
        case .failed(let key) where deployment.state == .running && key.version == deployment.runningVersion:
            report.state = .failed
            report.error = run?.error?.message
        case .none, .failed:
            report.state =
                if report.refusedVersion != nil { .refused } else if deployment.state == .paused {
                    .paused
                } else if report.preparedVersion == deployment.wantedVersion { .ready } else { .preparing }
        }
        if report.error == nil, let wait { report.error = wait }
        return report
    }
}
