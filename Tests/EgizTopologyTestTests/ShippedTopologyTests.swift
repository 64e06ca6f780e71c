import EgizCore
import EgizProcessors
import EgizTopologyFile
import EgizTopologyTest
import Foundation
import Testing

/// Every topology that is shipped, with its tests.
@Suite struct ShippedTopologyTests {
    private static let folder = repository.appendingPathComponent("Topologies").path
    private static let loader = TopologyTestLoader(topologies: TopologyLoader(registry: .builtin))

    @Test func everyShippedTopologyHasTestsThatPassAndReachAllOfIt() throws {
        let found = TopologyTestLoader.find(Self.folder)
        #expect(!found.isEmpty)
        for one in found {
            guard case .tests(let path) = one else {
                Issue.record("\(one)")
                continue
            }
            let loaded = Self.loader.load(path: path)
            #expect(loaded.report == "")
            let results = TopologyTestRunner(registry: .builtin, inspect: checkMessages).run(try #require(loaded.tests))
            let report = TopologyTestReport()
            #expect(results.failed == 0, "\n\(report.text(of: results))")
            #expect(results.passed > 0)
            #expect(
                results.coverage.reached == results.coverage.branches, "\n\(report.text(of: results.coverage))")
        }
    }

    /// `make up` runs them all, so whoever looks at it sees every kind at work.
    @Test func noKindIsLeftOutOfTheShippedTopologies() throws {
        var kinds: Set<String> = []
        for case .tests(let path) in TopologyTestLoader.find(Self.folder) {
            let tests = try #require(Self.loader.load(path: path).tests)
            kinds.formUnion(tests.topology.processors.map(\.kind))
        }
        #expect(kinds == Set(ProcessorRegistry.builtin.entries.map(\.spec.kind)))
    }
}
