import EgizCore

/// Gathers the faults of one file, so that a reader can go on after the first. Confined to one call of the loader.
final class FaultList {
    private(set) var faults: [TopologyFault] = []

    var hasErrors: Bool { faults.contains { $0.severity == .error } }

    func error(at mark: SourceMark, _ message: String) {
        faults.append(TopologyFault(.error, at: mark, message))
    }

    func warning(at mark: SourceMark, _ message: String) {
        faults.append(TopologyFault(.warning, at: mark, message))
    }
}
