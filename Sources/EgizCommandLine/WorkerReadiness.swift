import EgizHTTP
import EgizRuntime

/// `/readyz` of a process that runs a worker: ready when no stage waits or has failed, and every topology has a version that runs.
enum WorkerReadiness {
    static func checks(_ worker: DeploymentWorker) -> [ReadinessCheck] {
        guard let reports = worker.reports else {
            return [ReadinessCheck(name: "deployments", state: .waiting("not read yet"))]
        }
        return reports.compactMap(check) + worker.statuses.map(check)
    }

    /// What the stages do not show, because none runs.
    private static func check(_ report: TopologyReport) -> ReadinessCheck? {
        switch report.state {
        // Also where it refuses what is wanted: what ran before goes on, and `egiz topology list` tells.
        case .running, .paused, .failed: nil
        case .refused: ReadinessCheck(name: report.topology, state: .failed(report.error ?? "refused"))
        case .preparing: ReadinessCheck(name: report.topology, state: .waiting(report.error ?? "being prepared"))
        case .ready: ReadinessCheck(name: report.topology, state: .waiting("the other workers prepare the version"))
        case .draining: ReadinessCheck(name: report.topology, state: .waiting("draining"))
        }
    }

    private static func check(_ status: StageStatus.Snapshot) -> ReadinessCheck {
        let name = "\(status.stage)#\(status.thread)"
        return switch status.state {
        // Whom a caller asks is no server of ours, and whatever waits for him delays nothing else.
        case .running:
            ReadinessCheck(
                name: name, state: .ok,
                note: status.endpoint.map { "whom it asks gives no answer, what comes for him waits: \($0)" })
        case .starting: ReadinessCheck(name: name, state: .waiting("starting"))
        case .waiting(let why): ReadinessCheck(name: name, state: .waiting(why))
        case .failed(let why): ReadinessCheck(name: name, state: .failed(why))
        case .stopped: ReadinessCheck(name: name, state: .failed("stopped"))
        }
    }
}
