import EgizTopologyTest
import Foundation
import Testing

/// A test file is checked as a topology is: all faults at once, each with its place.
@Suite struct TestFileTests {
    @Test func everyFaultIsReportedAtOnceWithItsPlaceAndTheWordThatWasMeant() {
        let kit = Kit(
            """
            apiVersion: egiz/v1
            kind: TopologyTest
            epochs: sometimes
            tests:
              - name: a
                steps:
                  - givn: {}
                  - given: { topic: evnts, at: yesterday, value: 1 }
                  - given: { topic: events, partition: 2, value: {}, text: x }
                  - clock: { advance: 5 }
                  - fault: crsh
                  - fault: { model-status: 500 }
                  - redrive: { acton: retry }
                  - edit: { topic: events, offset: 0, value: 1 }
                  - expect: { twins: { nope: absent }, counters: { record: 1 }, rollups: [{ cout: 1 }] }
                  - crash
                  - { commit: true, fault: crash }
              - name: a
                steps: []
            """)
        let lines = kit.loaded.report.split(separator: "\n")
        func has(_ place: String, _ part: String) -> Bool {
            lines.contains { $0.hasPrefix("line.test.yaml:\(place): error: ") && $0.contains(part) }
        }
        #expect(has("3:9", "`epochs`: found \"sometimes\", expected `eachRecord` or `explicit`"))
        #expect(has("7:9", "did you mean `given`?"))
        #expect(has("8:25", "no source of the topology reads the topic \"evnts\""))
        #expect(has("8:25", "did you mean `events`?"))
        #expect(has("8:36", "expected a time such as"))
        #expect(has("9:16", "found `value` and `text`, expected one of"))
        #expect(has("10:27", "a bare number has no unit"))
        #expect(has("11:16", "did you mean `crash`?"))
        #expect(has("12:18", "no processor of this topology calls a model"))
        #expect(has("13:20", "did you mean `action`?"))
        #expect(has("14:15", "has no `partition`"))
        #expect(has("15:28", "has no namespace"))
        #expect(has("15:56", "unknown counter `record`"))
        #expect(has("15:81", "did you mean `count`?"))
        #expect(has("16:9", "write `fault: crash`"))
        #expect(has("17:9", "found `fault` and `commit`, expected one of them in each step"))
        #expect(has("18:5", "a test called \"a\" stands above already"))
        #expect(has("19:12", "expected a list that is not empty"))
        #expect(kit.loaded.tests == nil)
    }

    @Test func typesAreCheckedAsTheRegistryChecksThem() {
        let report = Kit(
            """
            apiVersion: egiz/v1
            kind: TopologyTest
            types:
              a:machine:1: { policy: maybe, schema: { type: nmber } }
            tests:
              - name: a
                steps:
                  - types: { a:pump:1: { parnt: x, things: [nope], alertRules: [{ name: hot }] } }
            """
        ).loaded.report
        for part in [
            "4:26: error: `types.a:machine:1.policy`: found \"maybe\"",
            "4:41: error: `types.a:machine:1.schema`: /type",
            "did you mean `parent`?", "expected a thing id", "`tests[0].steps[0].types.a:pump:1.alertRules`: ",
        ] { #expect(report.contains(part), "\(part) is not in\n\(report)") }
    }

    @Test func whatTheFileSaysOfTypesHoldsForEachTestAndAStepReplacesIt() {
        let rule = #"[{ name: hot, when: features.f.x > 5, message: hot }]"#
        let given =
            "given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: a:b, features: { f: { x: 9 } } } }"
        let kit = Kit(
            """
            apiVersion: egiz/v1
            kind: TopologyTest
            types: { a:pump:1: { things: ["a:b"], alertRules: \(rule) } }
            tests:
              - name: declared at the top
                steps:
                  - \(given)
                  - expect: { alerts: [{ thing: a:b, rule: hot, state: raised }] }
              - name: replaced by a step
                steps:
                  - types: {}
                  - \(given)
                  - expect: { alerts: [] }
            """,
            topology: Kit.topology + "    alerts: { kind: alert-rule, from: twins }\n")
        let results = kit.results()
        #expect(results?.passed == 2 && results?.failed == 0, "\(kit.report)")
    }

    @Test func whomNobodyAsksCannotFail() {
        let kit = Kit(
            """
              - name: a
                steps:
                  - fault: receiver-away
                  - fault: { receiver-status: 500 }
                  - fault: { model-slow: 2 }
            """)
        let lines = kit.loaded.report.split(separator: "\n")
        #expect(lines.count { $0.contains("no processor of this topology delivers to a receiver") } == 2)
        #expect(lines.count { $0.contains("no processor of this topology calls a model") } == 1)
    }

    @Test func anEnvironmentIsOfTexts() {
        let kit = Kit(
            """
            apiVersion: egiz/v1
            kind: TopologyTest
            environment: { SECRET: [1] }
            tests:
              - { name: a, steps: [{ commit: true }] }
            """)
        #expect(
            kit.loaded.report.contains("line.test.yaml:3:24: error: `environment.SECRET`: found a list"),
            "\(kit.loaded.report)")
    }

    @Test func aFileWhoseTopologyIsMissingSaysSo() {
        let kit = Kit("  - { name: a, steps: [{ commit: true }] }", topology: "apiVersion: egiz/v1")
        #expect(kit.loaded.tests == nil)
    }

    @Test func everyNumberIsANumberHoweverItIsWritten() {
        let kit = Kit(
            """
              - name: numbers
                steps:
                  - given: { topic: events, value: { thingId: a:b, features: { f: { x: 21.50, y: 1e3, z: "1e3", n: 007 } } } }
                  - expect:
                      samples:
                        a:b:
                          /features/f/properties/x: [21.5]
                          /features/f/properties/y: [1000]
                          /features/f/properties/z: ["1e3"]
                          /features/f/properties/n: ["007"]
            """)
        #expect(kit.report == "line.test.yaml\n  ✓ numbers\n")
    }

    @Test func placeholdersCountAndTellTheTime() {
        let kit = Kit(
            """
              - name: templates
                steps:
                  - given:
                      topic: events
                      at: 2026-01-01T00:00:00Z
                      repeat: { from: 9, to: 11, every: 1s }
                      value: { thingId: "a:m-{n:3}", timestamp: "{at}", features: { f: { x: "{n}", t: "no {n}" } } }
                  - given: { topic: events, text: "{n}", repeat: 1 }
                  - expect:
                      twins: { a:m-009: ..., a:m-10: absent }
                      samples:
                        a:m-010:
                          /features/f/properties/x: [{ at: 2026-01-01T00:00:01Z, value: 10 }]
                          /features/f/properties/t: [no 10]
                      deadLetters: [{ code: envelope }]
                      counters: { keyMismatch: 0 }
            """)
        #expect(kit.report == "line.test.yaml\n  ✓ templates\n")
    }
}

/// `EGIZ_REGENERATE=1` writes the schema anew.
@Suite struct TestSchemaTests {
    @Test func theSchemaOfTestFilesIsUpToDate() throws {
        let file = repository.appendingPathComponent("Schemas/topology-test.schema.json")
        let text = TopologyTestSchema.json
        if ProcessInfo.processInfo.environment["EGIZ_REGENERATE"] == "1" { try Data(text.utf8).write(to: file) }
        #expect(
            try String(contentsOf: file, encoding: .utf8) == text,
            "run `EGIZ_REGENERATE=1 swift test --filter EgizTopologyTestTests`")
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    }
}
