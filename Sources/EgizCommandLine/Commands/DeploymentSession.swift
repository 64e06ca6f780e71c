import ArgumentParser
import EgizCore
import EgizPostgres
import EgizRuntime
import Foundation

/// What the deployment commands share: the store, and waiting for the workers.
struct DeploymentSession {
    let store: any DeploymentStore
    var deployer: Deployer { StoredTopology.deployer(store) }

    init(_ settings: Settings) throws {
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        store = PostgresDeploymentStore(url: url, actor: "operator:\(DeadLetterCommand.user)")
    }

    /// Waits until the workers run (or have stopped) what is wanted of these topologies, and says for each how it ended.
    ///
    /// - Returns: false where some worker refused it, it failed, no worker lives, or the time ran out.
    func wait(for names: [String], seconds: Int, say: (String) -> Void) async throws -> Bool {
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        var rest = names
        var isGood = true
        while !rest.isEmpty {
            let snapshot = try store.snapshot()
            let isLate = ContinuousClock.now >= deadline
            rest.removeAll { name in
                guard let deployment = snapshot.deployment(name) else { return true }
                let rollout = Rollout.of(deployment, workers: snapshot.workers(of: name))
                switch rollout {
                case .done:
                    say("\(name): \(DeploymentText.rollout(rollout, deployment))")
                    return true
                case .refused, .failed: break
                default: if !isLate { return false }
                }
                say("\(name): \(DeploymentText.rollout(rollout, deployment))\(isLate ? "; gave up waiting" : "")")
                isGood = false
                return true
            }
            if !rest.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
        }
        return isGood
    }
}

/// Waiting for the workers, as an option.
struct WaitOptions: ParsableArguments {
    @ArgumentParser.Flag(help: "Wait until every live worker does it, and exit with 1 where one refuses.") var wait =
        false
    @Option(help: "With --wait: give up after this many seconds.") var timeout = 30
}

/// What an operator accepts on purpose.
struct AllowanceOptions: ParsableArguments {
    @ArgumentParser.Flag(
        help: "A stage may go although things belong to it; they and its positions stay.") var allowRemovedStages =
        false
    @ArgumentParser.Flag(
        help: "A source may read none of the topics it read before, because the new ones continue them.")
    var allowOtherTopics = false

    var allowances: DeploymentAllowances {
        DeploymentAllowances(removedStages: allowRemovedStages, otherTopics: allowOtherTopics)
    }
}
