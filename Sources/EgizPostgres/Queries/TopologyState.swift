public import EgizRuntime
public import EgizTwin

/// How far one topology is, as the database knows it.
public struct TopologyState: Sendable {
    public var name: String
    /// The latest; nil where tasks exist whose topology was never saved.
    public var version: Int64?
    public var active: Bool
    public var applied: EventTime?
    /// Ascending by name.
    public var stages: [StageState]
    /// What shall run of it and what does; nil where it was never deployed.
    public var deployment: Deployment?
    /// The live workers that run it, or would.
    public var workers: [LiveWorker]

    public init(
        name: String, version: Int64?, active: Bool, applied: EventTime?, stages: [StageState],
        deployment: Deployment? = nil, workers: [LiveWorker] = []
    ) {
        self.name = name
        self.version = version
        self.active = active
        self.applied = applied
        self.stages = stages
        self.deployment = deployment
        self.workers = workers
    }
}
