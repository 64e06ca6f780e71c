public import EgizCore
import EgizTesting

/// The checked tests of one topology, as a file `x.test.yaml` describes them. Data, nothing runs.
public struct TopologyTestFile: Sendable {
    /// The file's name as it was given.
    public let file: String
    public let topology: Topology
    /// For topics that declare no partitions.
    let partitions: Int32
    /// What processors find in the environment.
    let environment: [String: String]
    /// What the registry says when each test begins; nil: nothing.
    let types: GivenTypes?
    public let tests: [TopologyTestCase]
}

/// One test: steps that run one after the other on a topology that begins with nothing.
public struct TopologyTestCase: Sendable {
    public let name: String
    public let mark: SourceMark
    let epochs: TopologyDriver.Epochs
    let steps: [TestStep]
}
