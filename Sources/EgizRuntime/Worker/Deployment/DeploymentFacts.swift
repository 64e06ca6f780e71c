public import EgizCore

/// What a new version is compared with.
public struct DeploymentFacts: Sendable {
    /// The version that the stored state is of: the running one, or the last that was applied where none ran.
    public var previous: Topology?
    /// There is such a version, but this program cannot read it.
    public var isPreviousUnreadable: Bool
    /// False where it was deleted, or never applied.
    public var isDeployed: Bool
    /// All stages that the topology ever had, as Postgres keeps them.
    public var stages: [StoredStage]
    /// The other deployed topologies.
    public var others: [Topology]
    /// Others whose stored text this program cannot read.
    public var unreadable: [String]

    public init(
        previous: Topology? = nil, isPreviousUnreadable: Bool = false, isDeployed: Bool = false,
        stages: [StoredStage] = [], others: [Topology] = [],
        unreadable: [String] = []
    ) {
        self.previous = previous
        self.isPreviousUnreadable = isPreviousUnreadable
        self.isDeployed = isDeployed
        self.stages = stages
        self.others = others
        self.unreadable = unreadable
    }
}

/// What an operator may accept on purpose. Everything else that is refused would break state.
public struct DeploymentAllowances: Sendable, Equatable {
    /// A stage goes although things belong to it: they stay as they are, and go on where they stopped when it comes back.
    public var removedStages: Bool
    /// A source reads none of the topics it read before: its things go on from the records of the new ones.
    public var otherTopics: Bool

    public init(removedStages: Bool = false, otherTopics: Bool = false) {
        self.removedStages = removedStages
        self.otherTopics = otherTopics
    }
}
