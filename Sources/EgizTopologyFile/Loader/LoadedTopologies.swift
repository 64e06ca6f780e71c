public import EgizCore

/// What came of several files that are deployed together.
public struct LoadedTopologies: Sendable {
    /// In the order in which they were named.
    public let files: [LoadedTopology]

    init(_ files: [LoadedTopology]) { self.files = files }

    /// The topologies without errors.
    public var topologies: [Topology] { files.compactMap(\.topology) }

    public var hasErrors: Bool { files.contains { $0.hasErrors } }

    /// The reports of all files, one after the other.
    public var report: String { files.map(\.report).joined() }
}
