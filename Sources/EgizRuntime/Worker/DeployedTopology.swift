public import EgizCore

/// A checked topology with the version it is stored under.
public struct DeployedTopology: Sendable {
    public var topology: Topology
    /// Versions only rise; a task refuses a worker with an older one.
    public var version: Int64

    public init(topology: Topology, version: Int64) {
        self.topology = topology
        self.version = version
    }
}
