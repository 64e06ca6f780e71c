public import EgizCore

/// What came of one file: a topology, or all that is wrong with it.
public struct LoadedTopology: Sendable {
    /// The file's name as it was given.
    public let file: String
    /// Nil where there is any error.
    public let topology: Topology?
    /// Errors and warnings in the order of the file.
    public let faults: [TopologyFault]

    public init(file: String, topology: Topology?, faults: [TopologyFault]) {
        self.file = file
        self.faults = faults.sorted()
        self.topology = faults.contains { $0.severity == .error } ? nil : topology
    }

    public var hasErrors: Bool { topology == nil }

    /// One line a fault, `file:line:column: error: message`; empty where there is none.
    public var report: String {
        faults.map { "\(file):\($0.mark.line):\($0.mark.column): \($0.severity.rawValue): \($0.message)\n" }.joined()
    }
}
