import EgizProcessors
import EgizTopologyFile
import EgizTopologyTest
import Foundation
import Testing

/// The tests that are shipped notice a topology that was broken, and say what is different.
@Suite struct BrokenTopologyTests {
    /// What is broken, and a line that the report must hold.
    private static let mutations: [(old: String, new: String, line: String)] = [
        (
            "history: { kind: history-writer, from: twins }",
            "history: { kind: history-writer, from: twins, include: [\"/attributes/**\"] }",
            "samples of zonesun.hall3:filler-01 /features/filler/properties/temperature: first difference at /0"
        ),
        ("interval: 1m", "interval: 2m", "+   end: 2026-03-01T10:02:00Z"),
        ("grace: 10s", "grace: 5s", "+ - { count: 6, final: true }"),
        ("grace: 10s", "grace: 11s", "- - { count: 6, final: true }"),
        ("minutes: { kind: rollup, from: twins,", "minutes: { kind: rollup, from: telemetry-twins,", "+ []"),
    ]

    private func report(_ topology: String) throws -> (text: String, failed: Int) {
        let folder = repository.appendingPathComponent("Topologies")
        let text = try String(contentsOf: folder.appendingPathComponent("filling-line.test.yaml"), encoding: .utf8)
        let loader = TopologyLoader(registry: .builtin)
        let loaded = TopologyTestLoader(topologies: loader).load(
            text: text, file: "filling-line.test.yaml", topology: loader.load(text: topology, file: "filling-line.yaml")
        )
        let results = TopologyTestRunner(registry: .builtin).run(try #require(loaded.tests, "\(loaded.report)"))
        return (TopologyTestReport().text(of: results), results.failed)
    }

    private static func shipped() throws -> String {
        try String(
            contentsOf: repository.appendingPathComponent("Topologies/filling-line.yaml"), encoding: .utf8)
    }

    @Test(arguments: mutations.indices)
    func aBrokenTopologyFailsWithADifference(_ index: Int) throws {
        let mutation = Self.mutations[index]
        let shipped = try Self.shipped()
        try #require(shipped.contains(mutation.old))
        let (text, failed) = try report(shipped.replacingOccurrences(of: mutation.old, with: mutation.new))
        #expect(failed > 0)
        #expect(text.contains(mutation.line), "\n\(text)")
    }

    @Test func aHistoryThatLeavesFeaturesOutIsReportedWithPlaceExpectationAndFinding() throws {
        let kit = Kit(
            """
              - name: values become history
                steps:
                  - given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: a:b, features: { f: { x: 1 } } } }
                  - expect:
                      samples: { a:b: { /features/f/properties/x: [{ at: 2026-01-01T00:00:00Z, value: 1 }] } }
            """, topology: Kit.topology.replacingOccurrences(of: "include: [\"/features/**\"]", with: "include: [/a]"))
        #expect(
            kit.report == """
                line.test.yaml
                  ✗ values become history
                      line.test.yaml:8:29: samples of a:b /features/f/properties/x: first difference at /0
                        - expected  + got
                        - - { at: 2026-01-01T00:00:00Z, value: 1 }
                        + []

                """)
    }
}
