public import EgizCore
import EgizTwin

/// Draws a topology: `egiz topology explain`.
public enum TopologyExplainer {
    /// An aligned tree for terminals: each stage with its topics, source, processors and projections. Secrets are masked.
    public static func text(of topology: Topology, registry: ProcessorRegistry) -> String {
        var out = "topology \(topology.name)\n"
        if let description = topology.description { out += "  \(description.singleLine)\n" }
        for line in head(of: topology) { out += "  \(line)\n" }
        for stage in topology.stages { out += "\n" + text(of: stage, registry) }
        return out
    }

    private static func head(of topology: Topology) -> [String] {
        let commit = topology.commit
        var lines = [
            "delivery \(topology.delivery.rawValue), \(count(topology.parallelism, "stream thread")) a stage and worker",
            "commit after \(DurationText.text(commit.interval)), \(commit.maxRecords) records or \(SizeText.text(bytes: Int64(commit.maxBytes)))",
        ]
        for (name, value) in topology.kafka.sorted(by: { $0.key < $1.key }) {
            lines.append("kafka \(name) = \(KafkaProperties.isSecret(name) ? "***" : value.singleLine)")
        }
        return lines
    }

    // MARK: - The tree

    /// One line of the tree: what is drawn on the left, and what stands in the aligned columns.
    private struct Row {
        var left: String
        var kind = ""
        var note = ""
    }

    private static func text(of stage: StageDefinition, _ registry: ProcessorRegistry) -> String {
        var rows: [Row] = []
        for topic in stage.source.topics {
            let partitions = topic.partitions.map { count(Int($0), "partition") } ?? "the broker's partitions"
            let config = topic.config.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.singleLine)" }
            rows.append(
                Row(left: "  \(topic.name)", kind: "topic", note: ([partitions] + config).joined(separator: ", ")))
        }
        rows.append(
            Row(left: "  └─ \(stage.source.name)", kind: "source", note: notes(of: stage.source)))
        add(children(of: stage.source.name, in: stage), of: stage, indent: "     ", registry, to: &rows)

        // Settings stand on lines of their own and do not widen the columns.
        let left = rows.filter { !$0.kind.isEmpty }.map(\.left.count).max() ?? 0
        let kind = rows.map(\.kind.count).max() ?? 0
        var out = "stage and consumer group \(stage.name)\n"
        for row in rows {
            var line = row.left
            if !row.kind.isEmpty { line = pad(row.left, left) + "  " + pad(row.kind, kind) + "  " + row.note }
            while line.last == " " { line.removeLast() }
            out += line + "\n"
        }
        return out
    }

    private static func add(
        _ processors: [ProcessorDefinition], of stage: StageDefinition, indent: String,
        _ registry: ProcessorRegistry, to rows: inout [Row]
    ) {
        for (index, processor) in processors.enumerated() {
            let isLast = index == processors.count - 1
            let spec = registry[processor.kind]?.spec
            let projections = spec?.projections.map { $0.replacing("{name}", with: processor.name) } ?? []
            let note = projections.isEmpty ? "" : "writes " + projections.joined(separator: ", ")
            rows.append(
                Row(left: indent + (isLast ? "└─ " : "├─ ") + processor.name, kind: processor.kind, note: note))
            let inner = indent + (isLast ? "   " : "│  ")
            let below = children(of: processor.name, in: stage)
            for setting in settings(of: processor, spec) {
                rows.append(Row(left: inner + (below.isEmpty ? "   " : "│  ") + setting))
            }
            add(below, of: stage, indent: inner, registry, to: &rows)
        }
    }

    static func children(of name: String, in stage: StageDefinition) -> [ProcessorDefinition] {
        stage.processors.filter { $0.from == name }
    }

    private static func notes(of source: SourceDefinition) -> String {
        var notes = ["format \(source.format.rawValue)"]
        if source.start != .earliest { notes.append("start \(source.start.rawValue)") }
        if source.onGap != .fail { notes.append("onGap \(source.onGap.rawValue)") }
        if source.idle != .seconds(5) { notes.append("idle \(DurationText.text(source.idle))") }
        return notes.joined(separator: ", ")
    }

    /// The settings that differ from their defaults, in the order of the kind's fields.
    static func settings(of processor: ProcessorDefinition, _ spec: KindSpec?) -> [String] {
        guard let spec else { return [] }
        return spec.fields.compactMap { field in
            guard let value = processor.settings[field.name] else { return nil }
            let text = text(of: value, field.kind)
            let fallback = ValueCheck.defaultValue(of: Word(field), at: value.mark)
            return fallback.map { Self.text(of: $0, field.kind) } == text ? nil : "\(field.name): \(text)"
        }
    }

    private static func text(of value: ConfigValue, _ kind: KindSpec.Field.Kind) -> String {
        switch (kind, value.content) {
        case (.duration, .int(let milliseconds)): DurationText.text(milliseconds: milliseconds)
        case (.size, .int(let bytes)): SizeText.text(bytes: bytes)
        case (.list(let noun, _), .list(let items)):
            "\(items.count) × \(noun.split(separator: " ").last ?? "entry")"
        case (_, .list(let items)): "[" + items.map { text(of: $0, kind) }.joined(separator: ", ") + "]"
        default: (value.scalarText ?? value.found).singleLine
        }
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension String {
    /// Without line breaks and control characters, so that a description cannot play with a terminal.
    var singleLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
