public import EgizCore

/// What came of one test file: tests, or all that is wrong with it and with its topology.
public struct LoadedTopologyTest: Sendable {
    public let file: String
    /// Nil where there is any error.
    public let tests: TopologyTestFile?
    /// Faults of the test file, in its order.
    public let faults: [TopologyFault]
    /// The report of the topology it tests.
    public let topologyReport: String

    /// One line a fault, `file:line:column: error: message`; empty where there is none.
    public var report: String {
        topologyReport
            + faults.sorted().map {
                "\(file):\($0.mark.line):\($0.mark.column): \($0.severity.rawValue): \($0.message)\n"
            }.joined()
    }
}
