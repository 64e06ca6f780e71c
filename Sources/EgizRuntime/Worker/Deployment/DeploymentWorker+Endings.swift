import EgizCore
import Logging

extension DeploymentWorker {
    /// Ends what gone stages of the topology left; what others still own is left for a later look. A database that cannot do it now keeps
    /// nothing from running.
    func endStages(of name: String, _ deployment: Deployment?, _ store: any DeploymentStore) {
        guard let ending = endings?[name] else { return }
        guard ending.holds(for: deployment) else {
            endings?[name] = nil
            return
        }
        do throws(EngineError) {
            if try store.endStages(of: name, except: ending.present, by: identity) { endings?[name] = nil }
        } catch {
            if !ending.hasFailed {
                logger.warning(
                    "alerts and scenes of removed stages cannot be ended",
                    metadata: [LogKey.topology: "\(name)", LogKey.error: "\(error)"])
            }
            // What waits for nothing will not be better the next time.
            if error.retry == .backoff { endings?[name]?.hasFailed = true } else { endings?[name] = nil }
        }
    }
}
