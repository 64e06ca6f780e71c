package import EgizCore

/// Gathers the faults of one file, so that a reader can go on after the first. Confined to one call of the loader.
package final class FaultList {
    package private(set) var faults: [TopologyFault] = []

    package init() {}

    package var hasErrors: Bool { faults.contains { $0.severity == .error } }

    var errorCount: Int { faults.count { $0.severity == .error } }

    /// Adds what somebody else found.
    func add(_ more: [TopologyFault]) { faults.append(contentsOf: more) }

    package func error(at mark: SourceMark, _ message: String) {
        faults.append(TopologyFault(.error, at: mark, message))
    }

    package func warning(at mark: SourceMark, _ message: String) {
        faults.append(TopologyFault(.warning, at: mark, message))
    }
}
