import EgizProcessors
import EgizTopologyFile
import EgizTopologyTest
import EgizTesting
import Foundation
import TestSupport
import Testing

let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// The report of tests over a small topology of telemetry.
struct Kit {
    static let topology = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line }
        spec:
          sources:
            events: { topics: [{ name: events, partitions: 2 }], format: telemetry }
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins, include: ["/features/**"], exclude: ["/features/*/properties/secret"] }
            minutes: { kind: rollup, from: twins, interval: 1m, to: closed, lateTo: late }

        """

    var loaded: LoadedTopologyTest

    /// - Parameter tests: the entries of `tests`, or a whole file where it begins with `apiVersion`.
    init(_ tests: String, topology: String = Kit.topology) {
        let text =
            tests.hasPrefix("apiVersion") ? tests : "apiVersion: egiz/v1\nkind: TopologyTest\ntests:\n\(tests)\n"
        let loader = TopologyLoader(registry: .builtin)
        loaded = TopologyTestLoader(topologies: loader).load(
            text: text, file: "line.test.yaml", topology: loader.load(text: topology, file: "line.yaml"))
    }

    func results(filter: String? = nil) -> TopologyTestResults? {
        loaded.tests.map { TopologyTestRunner(registry: .builtin, inspect: checkMessages).run($0, filter: filter) }
    }

    /// Faults of the file, or what the tests said.
    var report: String {
        results().map { TopologyTestReport().text(of: $0) } ?? loaded.report
    }
}

/// Whatever a topology emits while it is tested is as its schema says.
@Sendable func checkMessages(_ driver: TopologyDriver) {
    do {
        let faults = try MessageCheck(driver.topology, .builtin).faults(driver.emitted)
        if !faults.isEmpty { Issue.record("\(faults.joined(separator: "\n"))") }
    } catch { Issue.record(error) }
}
