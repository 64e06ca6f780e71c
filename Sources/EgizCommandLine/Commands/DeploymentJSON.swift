import EgizCore
import EgizRuntime

/// A plan and what became of it, as `--json` prints it.
struct PlanJSON: Encodable {
    struct Stage: Encodable {
        struct Position: Encodable {
            var topic: String
            var partition: Int32
            var offset: Int64
        }

        struct NewProcessor: Encodable {
            var name: String
            var kind: String
        }

        var name: String
        /// keeps, startsAt, new
        var start: String
        var positions: [Position]
        var newTopics: [String]
        var newProcessors: [NewProcessor]
        var removedProcessors: [String]
    }

    var topology: String
    var outcome: Deployer.Outcome
    var version: Int64?
    var state: Deployment.State
    var stages: [Stage]
    var removedStages: [String]
    var notes: [String]
    var refusals: [String]

    init(_ result: Deployer.Result) {
        topology = result.plan.topology
        outcome = result.outcome
        version = result.version
        state = result.state
        stages = result.plan.stages.map { stage in
            let start =
                switch stage.start {
                case .keeps: "keeps"
                case .startsAt: "startsAt"
                case .new: "new"
                }
            return Stage(
                name: stage.name.text, start: start,
                positions: stage.positions.sorted { $0.key < $1.key }.map {
                    .init(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value.raw)
                }, newTopics: stage.newTopics,
                newProcessors: stage.newProcessors.map { .init(name: $0.name, kind: $0.kind) },
                removedProcessors: stage.removedProcessors)
        }
        removedStages = result.plan.removedStages.map(\.text)
        notes = result.plan.notes
        refusals = result.plan.refusals
    }
}

/// Deployments and workers, as `list --json` prints them.
struct DeploymentJSON: Encodable {
    struct Worker: Encodable {
        var worker: String
        var host: String
        var pid: Int32
        var live: Bool
        var secondsSinceSeen: Double
        var preparedVersion: Int64?
        var runningVersion: Int64?
        var refusedVersion: Int64?
        var state: String?
        var error: String?
    }

    struct Item: Encodable {
        var name: String
        var state: Deployment.State
        var wantedVersion: Int64
        var runningVersion: Int64?
        var changedAt: String
        /// In words, as the table has it.
        var status: String
        var refused: Bool
        var workers: [Worker]
    }

    struct File: Encodable {
        var host: String
        var path: String
        var message: String
    }

    var items: [Item]
    var refusedFiles: [File]

    init(_ snapshot: DeploymentSnapshot, all: Bool) {
        items = snapshot.deployments.filter { all || $0.state != .deleted }.map { deployment in
            let rollout = Rollout.of(deployment, workers: snapshot.workers(of: deployment.name))
            let isRefused = if case .refused = rollout { true } else { false }
            return Item(
                name: deployment.name, state: deployment.state, wantedVersion: deployment.wantedVersion,
                runningVersion: deployment.runningVersion, changedAt: DeploymentText.time(deployment.changedAt),
                status: DeploymentText.rollout(rollout, deployment), refused: isRefused,
                workers: snapshot.workers.filter { $0.serves(deployment.name) }.map { worker in
                    let report = worker.reports[deployment.name]
                    return Worker(
                        worker: worker.identity.id, host: worker.identity.host, pid: worker.identity.processID,
                        live: worker.isLive, secondsSinceSeen: worker.silence.seconds,
                        preparedVersion: report?.preparedVersion, runningVersion: report?.runningVersion,
                        refusedVersion: report?.refusedVersion, state: report?.state.rawValue, error: report?.error)
                })
        }
        refusedFiles = snapshot.refusedFiles.map { File(host: $0.host, path: $0.path, message: $0.message) }
    }
}
