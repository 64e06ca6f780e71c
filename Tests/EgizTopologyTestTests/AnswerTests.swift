import EgizTopologyTest
import Testing

/// What processors learn of each other reaches them through the tests' own wrapper too.
@Suite struct AnswerTests {
    /// Two tasks about one thing; the answers of the first come back to it.
    private static let pair = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line }
        spec:
          sources:
            events: { topics: [{ name: events, partitions: 1 }], format: telemetry, cycle: true }
            asked: { topics: [{ name: ml.input.v1.a, partitions: 1 }], format: json }
            answered: { topics: [{ name: ml.output.v1.a, partitions: 1 }], format: json }
          processors:
            twins: { kind: twin-projector, from: events }
            ask-a: { kind: ml-fan-out, from: twins, task: a, features: [{ name: x, path: features.f.x }], writeTo: /features/a }
            ask-b: { kind: ml-fan-out, from: twins, task: b, features: [{ name: x, path: features.f.x }] }
            model: { kind: ml-caller, from: asked, endpoint: "http://model", model: a }
            answers: { kind: prediction-writer, from: answered, write: [{ task: a, writeTo: /features/a, to: events }] }

        """

    @Test func theAnswersOfOneTaskAskNoOther() {
        let report = Kit(
            """
              - name: one event
                steps:
                  - given: { topic: events, at: 2026-01-01T00:00:00Z, value: { thingId: t:a, features: { f: { x: 1 } } } }
                  - expect:
                      twins: { t:a: { features: { a: { ...: }, ...: }, ...: } }
                      emitted: { ml.input.v1.a: [{}], ml.input.v1.b: [{}] }
                      counters: { questions: 2, answered: 1, predictions: 1 }
            """, topology: Self.pair
        ).report
        #expect(report.contains("✓ one event") && !report.contains("✗ one event"), "\n\(report)")
    }
}
