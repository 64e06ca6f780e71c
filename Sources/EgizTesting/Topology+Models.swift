public import EgizCore
import EgizTwin

extension Topology {
    /// `Topology.testing` with a fan-out `questions`, a caller `model` and a writer `answers`, each with its settings as a checked file
    /// would give them; the task is `t`, and what is written back goes to `events`.
    public static func testingModels(
        fanOut: [String: ConfigValue], caller: [String: ConfigValue], writer: [String: ConfigValue] = [:],
        partitions: Int32? = nil, parallelism: Int = 1,
        commit: CommitPolicy = CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20),
        further: [ProcessorDefinition] = []
    ) -> Topology {
        let mark = SourceMark(line: 1, column: 1)
        func source(_ name: String, _ topic: String) -> SourceDefinition {
            SourceDefinition(
                name: name, topics: [.init(name: topic, partitions: partitions, config: [:], mark: mark)],
                format: .json,
                start: .earliest, onGap: .fail, idle: .seconds(3600), mark: mark)
        }
        var topology = Topology.testing(
            partitions: partitions, commit: commit, parallelism: parallelism,
            further: [
                ProcessorDefinition(name: "questions", kind: "ml-fan-out", from: "twins", settings: fanOut, mark: mark)
            ] + further)
        topology.sources += [source("asked", "ml.input.v1.t"), source("answered", "ml.output.v1.t")]
        topology.processors += [
            ProcessorDefinition(name: "model", kind: "ml-caller", from: "asked", settings: caller, mark: mark),
            ProcessorDefinition(
                name: "answers", kind: "prediction-writer", from: "answered", settings: writer, mark: mark),
        ]
        return topology
    }
}
