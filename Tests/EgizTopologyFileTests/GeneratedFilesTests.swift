import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation
import Testing

/// The files that are made from the code; `EGIZ_REGENERATE=1` writes them anew.
@Suite struct GeneratedFilesTests {
    private func expect(_ path: String, equals text: String) throws {
        let file = repository.appendingPathComponent(path)
        if ProcessInfo.processInfo.environment["EGIZ_REGENERATE"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        let stored = try String(contentsOf: file, encoding: .utf8)
        #expect(
            stored == text, "\(path) is out of date: run `EGIZ_REGENERATE=1 swift test --filter EgizTopologyFileTests`")
    }

    @Test func theSchemaOfTopologiesIsUpToDate() throws {
        let text = TopologySchema.json(registry: .builtin)
        try expect("Schemas/topology.schema.json", equals: text)
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(schema["additionalProperties"] as? Bool == false)
    }

    @Test func theReferenceIsUpToDate() throws {
        let example = try String(
            contentsOf: repository.appendingPathComponent("Topologies/filling-line.yaml"), encoding: .utf8)
        let text = TopologyReference.markdown(registry: .builtin, example: example)
        try expect("docs/topology.md", equals: text)
        for entry in ProcessorRegistry.builtin.entries {
            #expect(text.contains("### `kind: \(entry.spec.kind)`"))
            for field in entry.spec.fields { #expect(text.contains("| `\(field.name)` |")) }
        }
    }

    @Test func theExamplesOfAllKindsAreValid() throws {
        for entry in ProcessorRegistry.builtin.entries {
            let example = entry.spec.example.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
            let projector =
                example.contains("from: twins") ? "    twins: { kind: twin-projector, from: twin-events }\n" : ""
            var sources = "    twin-events: { topics: [a], format: ditto }"
            if entry.spec.input == .records, let name = example.firstMatch(of: /from: ([a-z-]+)/)?.1 {
                sources = "    \(name): { topics: [q.dlq], format: json }"
                if entry.spec.kind == "ml-caller" { sources += "\n    answers: { topics: [r], format: json }" }
            }
            let others =
                example.contains("from: questions") ? "\n    rest: { kind: prediction-writer, from: answers }" : ""
            let loaded = Fixture(sources: sources, processors: projector + example + others).loaded
            #expect(loaded.report == "", "\(entry.spec.kind)")
        }
    }

    @Test(
        arguments: [
            "telemetry.v1.schema.json", "ditto-event.schema.json", "binding.v1.schema.json", "alert.v1.schema.json",
            "timeseries.v1.schema.json", "delivery.v1.schema.json",
            "rollup.v1.schema.json", "late-sample.v1.schema.json",
            "ml-input.v1.schema.json", "ml-output.v1.schema.json", "predict-request.v1.schema.json",
            "ditto-command.v1.schema.json", "write-back.v1.schema.json",
        ])
    func theSchemasOfMessagesAreJson(_ name: String) throws {
        let data = try Data(contentsOf: repository.appendingPathComponent("Schemas/\(name)"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect((schema["$id"] as? String)?.hasSuffix("/\(name)") == true)
    }
}
