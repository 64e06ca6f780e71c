import Foundation
import EgizTopologyTest
import Testing

/// What tests can do to a topology, and that the engine's own code is what answers.
@Suite struct FaultTests {
    private static let ditto = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line }
        spec:
          sources:
            events: { topics: [events], format: ditto, onError: park }
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins }

        """

    private func expectPass(_ tests: String, topology: String = Kit.topology) {
        let report = Kit(tests, topology: topology).report
        #expect(report.contains("✓") && !report.contains("✗"), "\n\(report)")
    }

    @Test func whatIsNotCommittedIsNotSeenAndComesBackAfterACrash() {
        expectPass(
            """
              - name: crash
                epochs: explicit
                steps:
                  - given: { topic: events, repeat: 3, value: { thingId: a:b, features: { f: { x: "{n}" } } } }
                  - expect: { twins: { a:b: absent }, counters: { records: 0 } }
                  - fault: crash
                  - expect: { twins: { a:b: absent } }
                  - commit: true
                  - given: { topic: events, value: { thingId: a:b, features: { f: { x: 4 } } } }
                  - fault: crash
                  - fault: crash
                  - commit: true
                  - expect: { twins: { a:b: { _revision: 4, ...: } }, counters: { records: 4 } }
            """)
    }

    @Test func aRecordThatWasRefusedBeforeACrashKeepsItsOffset() {
        expectPass(
            """
              - name: offsets
                epochs: explicit
                steps:
                  - given: [{ topic: events, key: null, text: a }, { topic: events, key: null, text: b }]
                  - commit: true
                  - given: { topic: events, key: null, text: c }
                  - fault: crash
                  - commit: true
                  - expect: { deadLetters: [{ offset: 0 }, { offset: 1 }, { offset: 2 }], counters: { records: 3 } }
            """)
    }

    @Test func parkedThingsQueueInOrderAreMendedAndGoOn() {
        let event = { (revision: String, path: String, value: String) in
            "{ topic: events, at: 2026-01-01T00:00:00Z, value: { topic: a/b/things/twin/events/modified, path: \(path), revision: \(revision), timestamp: \"{at}\", value: \(value) } }"
        }
        let edited =
            "{ topic: a/b/things/twin/events/modified, path: /features/f/properties/x, revision: 2, timestamp: 2026-01-01T00:00:00Z, value: 2 }"
        expectPass(
            """
              - name: park
                steps:
                  - given:
                      - { topic: events, value: { topic: a/b/things/twin/events/created, path: /, revision: 1, value: { thingId: a:b, features: { f: { properties: { x: 1 } } } } } }
                      - { topic: events, value: { topic: a/b/things/twin/events/merged, path: /features, revision: 2, value: { "{{ /(/ }}": null } } }
                      - \(event("3", "/features/f/properties/x", "3"))
                  - expect: { parked: [a:b], deadLetters: [{ disposition: parked, attempts: 1 }, { code: queued, attempts: 0 }] }
                  - fault: rebalance
                  - redrive: { thing: a:b }
                  - expect: { parked: [a:b], deadLetters: [{ attempts: 2 }, { code: queued, attempts: 0 }] }
                  - edit: { topic: events, offset: 1, value: \(edited) }
                  - redrive: { thing: a:b }
                  - given: \(event("4", "/features/f/properties/x", "4"))
                  - expect:
                      parked: []
                      deadLetters: []
                      twins: { a:b: { _revision: 4, ...: } }
                      samples: { a:b: { /features/f/properties/x: [1, 4] } }
            """, topology: Self.ditto)
    }

    @Test func discardedLettersReleaseTheirThing() {
        expectPass(
            """
              - name: discard
                steps:
                  - given:
                      - { topic: events, value: { topic: a/b/things/twin/events/created, path: /, revision: 1, value: { thingId: a:b, features: { f: {} } } } }
                      - { topic: events, value: { topic: a/b/things/twin/events/merged, path: /features, revision: 2, value: { "{{ /(/ }}": null } } }
                  - expect: { parked: [a:b] }
                  - redrive: discard
                  - expect: { parked: [], deadLetters: [] }
            """, topology: Self.ditto)
    }

    @Test func closedWindowsAndLateSamplesAreEmittedOnceThroughFaults() {
        expectPass(
            """
              - name: emitted
                epochs: explicit
                steps:
                  - given:
                      topic: events
                      at: 2026-01-01T00:00:10Z
                      repeat: { to: 2, every: 1m }
                      value: { thingId: a:b, features: { f: { x: "{n}" } } }
                  - given: { topic: events, at: 2026-01-01T00:00:20Z, value: { thingId: a:b, features: { f: { x: 9 } } } }
                  - fault: answer-lost
                  - fault: crash
                  - fault: { postgres-away: 2 }
                  - fault: rebalance
                  - expect:
                      emitted:
                        closed:
                          - key: a:b
                            value: { start: "...", end: "...", thingId: a:b, path: /features/f/properties/x, count: 1, min: 1, max: 1, sum: 1, avg: 1, first: 1, last: 1 }
                        late: [{ value: { value: 9, ...: }, id: line/events/events/1@1/2/0 }]
                      counters: { emitted: 2, late: 1, ticks: 1 }
            """)
    }

    @Test func anEditOfALetterThatIsNotThereFails() {
        let report = Kit(
            "  - { name: a, steps: [{ edit: { topic: events, partition: 0, offset: 3, value: 1 } }] }"
        ).report
        #expect(report.contains("line.test.yaml:4:26: there is no dead letter of events, partition 0, offset 3"))
    }

    @Test func aTaskThatWouldPauseFailsTheTestAndTheOthersRun() {
        let kit = Kit(
            """
              - name: pauses
                steps:
                  - given:
                      - { topic: events, value: { topic: a/b/things/twin/events/created, path: /, revision: 1, value: { thingId: a:b } } }
                      - { topic: events, repeat: { from: 2, to: 9 }, value: { topic: a/b/things/twin/events/merged, path: /features, revision: "{n}", value: { "{{ /(/ }}": null } } }
              - { name: runs, steps: [{ commit: true }] }
            """,
            topology: Self.ditto.replacingOccurrences(
                of: "onError: park }", with: "onError: park, park: { maxPerThing: 2 } }"))
        #expect(kit.report.contains("✗ pauses"))
        #expect(kit.report.contains("the task would pause"))
        #expect(kit.report.contains("✓ runs"))
    }
}
