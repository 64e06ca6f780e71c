/// How far the workers are with what is wanted of a topology. A pure function of what the database says.
public enum Rollout: Sendable, Equatable {
    public struct Refusal: Sendable, Equatable {
        /// `host, pid 12`.
        public var worker: String
        public var reason: String

        public init(worker: String, reason: String) {
            self.worker = worker
            self.reason = reason
        }
    }

    /// Every live worker runs what is wanted.
    case done
    /// No live worker would run it; the next one that starts will.
    case noWorker
    /// These cannot run what is wanted: what ran before goes on.
    case refused([Refusal])
    /// These have not prepared it yet.
    case preparing([String])
    /// All have prepared it: whoever sees this first switches.
    case prepared
    /// It was switched to; these do not run it yet.
    case starting([String])
    /// It was switched to, and stopped with an error in these.
    case failed([Refusal])
    /// Nothing shall run; these still do.
    case stopping([String])

    /// - Parameter workers: the live ones that run this topology.
    public static func of(_ deployment: Deployment, workers: [LiveWorker]) -> Rollout {
        let name = deployment.name
        let wanted = deployment.wantedVersion
        if deployment.state == .deleted { return stopped(name, workers) }
        let refusals = workers.compactMap { worker -> Refusal? in
            guard let report = worker.reports[name], report.refusedVersion == wanted else { return nil }
            return Refusal(worker: worker.text, reason: report.error ?? "no reason given")
        }
        if !refusals.isEmpty { return .refused(refusals) }
        if deployment.isPending {
            guard !workers.isEmpty else { return .noWorker }
            let missing = workers.filter { $0.reports[name]?.preparedVersion != wanted }
            return missing.isEmpty ? .prepared : .preparing(missing.map(\.text))
        }
        if deployment.state == .paused { return stopped(name, workers) }
        guard !workers.isEmpty else { return .noWorker }
        let failures = workers.compactMap { worker -> Refusal? in
            guard let report = worker.reports[name], report.state == .failed else { return nil }
            return Refusal(worker: worker.text, reason: report.error ?? "no reason given")
        }
        if !failures.isEmpty { return .failed(failures) }
        let missing = workers.filter {
            $0.reports[name]?.runningVersion != wanted || $0.reports[name]?.state != .running
        }
        return missing.isEmpty ? .done : .starting(missing.map(\.text))
    }

    /// Whether the wanted version may become the running one now.
    public static func maySwitch(_ deployment: Deployment, workers: [LiveWorker]) -> Bool {
        of(deployment, workers: workers) == .prepared
    }

    private static func stopped(_ name: String, _ workers: [LiveWorker]) -> Rollout {
        let running = workers.filter { $0.reports[name]?.runningVersion != nil }
        return running.isEmpty ? .done : .stopping(running.map(\.text))
    }
}
