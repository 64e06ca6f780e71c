/// All deployments and workers at one moment.
public struct DeploymentSnapshot: Sendable {
    /// Ascending by name, deleted ones as well.
    public var deployments: [Deployment]
    public var workers: [LiveWorker]
    public var refusedFiles: [RefusedFile]

    public init(deployments: [Deployment], workers: [LiveWorker], refusedFiles: [RefusedFile] = []) {
        self.deployments = deployments
        self.workers = workers
        self.refusedFiles = refusedFiles
    }

    /// The live workers that run this topology.
    public func workers(of topology: String) -> [LiveWorker] {
        workers.filter { $0.isLive && $0.serves(topology) }
    }

    public func deployment(_ name: String) -> Deployment? { deployments.first { $0.name == name } }
}

/// A file of a watched folder that could not be applied.
public struct RefusedFile: Sendable, Equatable {
    public var host: String
    public var path: String
    /// Every fault, as `file:line:column: error: …`, or why the deployment refused it.
    public var message: String

    public init(host: String, path: String, message: String) {
        self.host = host
        self.path = path
        self.message = message
    }
}
