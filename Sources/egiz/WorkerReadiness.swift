import EgizHTTP
import EgizRuntime

/// `/readyz` of a process that runs a worker: ready when no stage waits or has failed.
enum WorkerReadiness {
    static func checks(_ worker: Worker) -> [ReadinessCheck] {
        worker.statuses.map { status in
            let name = "\(status.stage)#\(status.thread)"
            switch status.state {
            case .running: return ReadinessCheck(name: name, state: .ok)
            case .starting: return ReadinessCheck(name: name, state: .waiting("starting"))
            case .waiting(let why): return ReadinessCheck(name: name, state: .waiting(why))
            case .failed(let why): return ReadinessCheck(name: name, state: .failed(why))
            case .stopped: return ReadinessCheck(name: name, state: .failed("stopped"))
            }
        }
    }
}
