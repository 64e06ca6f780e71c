public import EgizCore

/// The processor kinds for terminals and for programs.
public enum KindList {
    /// Each kind with its words, indented as they nest.
    public static func text(registry: ProcessorRegistry) -> String {
        registry.entries.map { entry in
            let spec = entry.spec
            var lines = [spec.kind, "  \(spec.summary)"]
            lines += words(spec.fields, indent: "  ")
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private static func words(_ fields: [KindField], indent: String) -> [String] {
        let width = fields.map(\.name.count).max() ?? 0
        return fields.flatMap { field -> [String] in
            let word = Word(field)
            let name = field.name + String(repeating: " ", count: width - field.name.count)
            let fallback = field.required ? " (required)" : field.defaultText.map { " (\($0))" } ?? ""
            return ["\(indent)\(name)  \(word.shape.expected)\(fallback)"] + words(inner(field), indent: indent + "  ")
        }
    }

    private static func inner(_ field: KindField) -> [KindField] {
        switch field.kind {
        case .map(let fields), .list(_, let fields): fields
        default: []
        }
    }

    /// An array of the kinds.
    public static func json(registry: ProcessorRegistry) -> String {
        JSONText.array(registry.entries.map { kind($0.spec) }).text
    }

    private static func kind(_ spec: KindSpec) -> JSONText {
        .object([
            ("kind", .string(spec.kind)), ("summary", .string(spec.summary)), ("input", .string(spec.input.rawValue)),
            ("output", .string(spec.output.rawValue)), ("projections", .array(spec.projections.map { .string($0) })),
            ("words", .array(spec.fields.map(word))),
            ("counters", .array(spec.metrics.map(counter))),
            (
                "messages",
                .object(spec.messages.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
            ),
            ("example", .string(spec.example)),
        ])
    }

    private static func counter(_ metric: KindSpec.Metric) -> JSONText {
        var members: [(String, JSONText)] = [("name", .string(metric.name)), ("summary", .string(metric.summary))]
        if let name = StepCounters.metrics[metric.name] { members.append(("metric", .string(name))) }
        return .object(members)
    }

    private static func word(_ field: KindField) -> JSONText {
        var members: [(String, JSONText)] = [
            ("name", .string(field.name)), ("value", .string(Word(field).shape.expected)),
            ("required", .bool(field.required)), ("summary", .string(field.summary)),
        ]
        if let text = field.defaultText { members.append(("default", .string(text))) }
        let inner = inner(field)
        if !inner.isEmpty { members.append(("words", .array(inner.map(word)))) }
        return .object(members)
    }
}
