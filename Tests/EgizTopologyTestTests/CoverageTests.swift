import EgizTopologyTest
import Foundation
import Testing

@Suite struct CoverageTests {
    private static let first = """
          - name: one
            steps:
              - given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: a:b, features: { f: { x: 1 } } } }

        """
    private static let rest = """
          - name: two
            steps:
              - given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: a:b, features: { f: { secret: 1 } } } }
              - given: { topic: events, at: 2026-01-01T00:01:00Z, value: { thingId: a:b, features: { f: { x: 1 } } } }
              - given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: a:b, features: { f: { x: 1 } } } }
              - fault: bad-json

        """

    @Test func everyBranchThatNoTestReachesIsNamed() throws {
        let coverage = try #require(Kit(Self.first).results()?.coverage)
        #expect(
            TopologyTestReport().text(of: coverage) == """
                coverage of line
                  ✗ events   source          1 record
                      no test reaches a record that is set aside
                  ✓ twins    twin-projector  1 event
                  ✗ history  history-writer  1 change, 1 sample
                      no test reaches a path that `exclude` /features/*/properties/secret matches
                  ✗ minutes  rollup          1 change, refused none
                      no test reaches a timer that fires
                      no test reaches a late sample
                      no test reaches a record to closed (`to`)
                      no test reaches a record to late (`lateTo`)
                  6 of 12 branches reached

                """)
    }

    /// Without `lateTo` a rollup has nothing that it could refuse.
    @Test func whatCannotRefuseIsNotSaidToHaveRefusedNone() throws {
        let topology = Kit.topology.replacing(", lateTo: late", with: "")
        let coverage = try #require(Kit(Self.first, topology: topology).results()?.coverage)
        let rollup = try #require(coverage.items.first { $0.kind == "rollup" })
        #expect(rollup.facts == ["1 change"])
    }

    @Test func branchesCountOverAllTestsAndTheFilterLeavesThemOut() throws {
        let kit = Kit(Self.first + Self.rest)
        let whole = try #require(kit.results())
        #expect(whole.coverage.reached == whole.coverage.branches)
        #expect(whole.coverage.items.flatMap(\.missing).isEmpty)
        let one = try #require(kit.results(filter: "one"))
        #expect(one.results.map(\.name) == ["one"])
        #expect(one.coverage.reached < one.coverage.branches)
    }

    @Test func theReportForProgramsHoldsResultsDifferencesAndCoverage() throws {
        let kit = Kit(Self.first + "      - expect: { counters: { records: 2 } }\n")
        let text = TopologyTestReport.json(of: [try #require(kit.results())], withCoverage: true)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(root["failed"] as? Int == 1)
        let file = try #require((root["files"] as? [[String: Any]])?.first)
        let test = try #require((file["tests"] as? [[String: Any]])?.first)
        let failure = try #require((test["failures"] as? [[String: Any]])?.first)
        #expect(failure["message"] as? String == "counter records: expected 2, got 1")
        #expect(failure["line"] as? Int == 7)
        #expect((file["coverage"] as? [String: Any])?["branches"] as? Int == 12)
    }

    @Test func testsAreFoundBesideTheirTopology() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a.yaml", "a.test.yaml", "b.yml", "c.txt"] {
            try Data().write(to: folder.appendingPathComponent(name))
        }
        let path = folder.path
        #expect(
            TopologyTestLoader.find(path) == [.tests("\(path)/a.test.yaml"), .untested(topology: "\(path)/b.yml")])
        #expect(TopologyTestLoader.find("\(path)/a.yaml") == [.tests("\(path)/a.test.yaml")])
        #expect(TopologyTestLoader.find("\(path)/nope") == [.missing("\(path)/nope")])
    }
}
