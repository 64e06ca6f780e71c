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

    public init(name: String, version: Int64?, active: Bool, applied: EventTime?, stages: [StageState]) {
        self.name = name
        self.version = version
        self.active = active
        self.applied = applied
        self.stages = stages
    }
}
