public import EgizCore
public import EgizTwin

extension Topology {
    /// A topology of one source with a projector `twins` and a history writer `history`, and room to change everything.
    public static func testing(
        name: String = "line", topics: [String] = ["events"], partitions: Int32? = nil,
        format: RecordFormat = .telemetry,
        start: SourceDefinition.Start = .earliest, onGap: SourceDefinition.OnGap = .fail,
        idle: Duration = .seconds(3600),
        commit: CommitPolicy = CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20),
        parallelism: Int = 1, include: [String] = ["/attributes/**", "/features/**"], exclude: [String] = [],
        onlyChanges: Bool = false, further: [ProcessorDefinition] = []
    ) -> Topology {
        let mark = SourceMark(line: 1, column: 1)
        let source = SourceDefinition(
            name: "source",
            topics: topics.map { .init(name: $0, partitions: partitions, config: [:], mark: mark) }, format: format,
            start: start, onGap: onGap, idle: idle, mark: mark)
        let twins = ProcessorDefinition(
            name: "twins", kind: "twin-projector", from: "source", settings: [:], mark: mark)
        let history = ProcessorDefinition.historyWriter(include: include, exclude: exclude, onlyChanges: onlyChanges)
        return Topology(
            name: name, description: nil, delivery: .exactlyOnce, parallelism: parallelism, commit: commit,
            sources: [source], processors: [twins] + further + [history], kafka: [:], sourceText: name)
    }
}

extension ProcessorDefinition {
    /// The entry of a history writer, as a checked file would give it.
    public static func historyWriter(
        name: String = "history", from: String = "twins", include: [String] = ["/attributes/**", "/features/**"],
        exclude: [String] = [], onlyChanges: Bool = false
    ) -> ProcessorDefinition {
        let mark = SourceMark(line: 1, column: 1)
        func list(_ items: [String]) -> ConfigValue {
            ConfigValue(.list(items.map { ConfigValue(.string($0), at: mark) }), at: mark)
        }
        return ProcessorDefinition(
            name: name, kind: "history-writer", from: from,
            settings: [
                "include": list(include), "exclude": list(exclude),
                "onlyChanges": ConfigValue(.bool(onlyChanges), at: mark),
            ], mark: mark)
    }
}
