public import EgizCore

/// The reference of every YAML word, as `docs/topology.md` holds it.
public enum TopologyReference {
    /// Markdown of all words, the kinds' own included, around an example.
    /// - Parameter example: the text of a topology file that is shown in full.
    public static func markdown(registry: ProcessorRegistry, example: String) -> String {
        var out = introduction + "\n## An example\n\n```yaml\n\(example)```\n"
        section("The file", Vocabulary.root, into: &out)
        section("`metadata`", Vocabulary.metadata, into: &out)
        section("`spec`", Vocabulary.spec, into: &out)
        section("`spec.commit`", Vocabulary.commit, into: &out)
        section("`spec.sources.<name>`", Vocabulary.source, into: &out)
        section("An entry of `topics`", Vocabulary.topic, into: &out)
        out += "\nA topic that needs neither `partitions` nor `config` may be written as its bare name.\n"
        section("`park` of a source", Vocabulary.park, into: &out)
        kafka(into: &out)
        section("`spec.processors.<name>`", Vocabulary.processor, into: &out)
        out += "\nThe other words of a processor depend on its kind.\n"
        for entry in registry.entries { kind(entry.spec, into: &out) }
        out += "\n" + checks
        return out
    }

    private static let introduction = """
        # Topologies

        <!-- Generated from the code by `EGIZ_REGENERATE=1 swift test --filter EgizTopologyFileTests`; do not edit. -->

        A topology file says which Kafka topics are read and which processors their records flow through. `egiz topology
        validate FILE` checks one and reports every fault at once as `file:line:column: error: …`; `egiz topology explain FILE`
        draws it. `Schemas/topology.schema.json` describes the same words for editors: put

            # yaml-language-server: $schema=../Schemas/topology.schema.json

        on a file's first line.

        - Names are `\(NameRule.namePattern)`. Topic names follow Kafka: `\(NameRule.topicPattern)`.
        - Durations are a whole number with a unit: `250ms`, `10s`, `5m`, `2h`, `90d`. Sizes likewise: `512B`, `1KiB`, `64MiB`,
          `2GiB`. A bare number is refused, because nobody can tell its unit.
        - Only `true` and `false` are booleans (YAML 1.2); `yes` and `on` are texts.
        - Anchors, aliases and `<<` work. A file is one document of at most 1 MiB.

        """

    /// The kinds alone, as `egiz kinds --markdown` prints them.
    public static func kinds(registry: ProcessorRegistry) -> String {
        var out = "# Processor kinds\n"
        for entry in registry.entries { kind(entry.spec, into: &out) }
        return out
    }

    private static let checks = """
        ## What is checked

        Beside each value for itself: that every `from` names something; that nothing runs in a circle; that what flows along an
        edge is what its reader takes (a `history-writer` needs changes of twins, a `twin-projector` a source of format `ditto`
        or `telemetry`); that each projection of a stage has one writer; that no two stages make twins of one topic; that names
        are unique within a file, and the names of topologies within a folder; that every expression is one
        ([expressions.md](expressions.md)); that the objects which bindings name are nodes of their `model`; and what only a kind can
        tell of its words. A source that feeds nothing and a topic that two sources read are warnings, and so is a property below
        `kafka` that the linked librdkafka does not know.

        ## Telemetry records

        Values of topics with `format: telemetry` are `{"thingId": "ns:name", "timestamp": …, "features": {"filler": {"temperature":
        21.5}}}` (`Schemas/telemetry.v1.schema.json`). `timestamp` is RFC 3339 text or a whole number of **milliseconds** since 1970; it
        is never guessed, so a producer that sends seconds writes its history into January 1970. Left out, it is the time of the
        Kafka record.

        """

    private static func section(_ title: String, _ words: [Word], into out: inout String) {
        out += "\n## \(title)\n\n"
        table(words, into: &out)
    }

    private static func kind(_ spec: KindSpec, into out: inout String) {
        out += "\n### `kind: \(spec.kind)`\n\n\(spec.summary)\n\n"
        out += "Reads \(stream(spec.input)); gives \(stream(spec.output))."
        if !spec.projections.isEmpty {
            out += " Writes \(spec.projections.map { "`\($0)`" }.joined(separator: ", "))."
        }
        for field in spec.messages.keys.sorted() {
            out += " What it writes to `\(field)`: [schema](../Schemas/\(spec.messages[field] ?? ""))."
        }
        out += "\n\n```yaml\n\(spec.example.trimmingLineEnd())\n```\n"
        guard !spec.fields.isEmpty else { return metrics(spec, into: &out) }
        out += "\n"
        table(spec.fields.map { Word($0) }, into: &out)
        for field in spec.fields { nested(field, "", into: &out) }
        metrics(spec, into: &out)
    }

    /// The words of a word, and theirs.
    private static func nested(_ field: KindSpec.Field, _ path: String, into out: inout String) {
        let name = path + field.name
        let (place, fields): (String, [KindSpec.Field])
        switch field.kind {
        case .map(let inner): (place, fields) = (name, inner)
        case .list(_, let inner): (place, fields) = (name + "[]", inner)
        default: return
        }
        out += "\n#### `\(place)`\n\n"
        table(fields.map { Word($0) }, into: &out)
        for field in fields { nested(field, place + ".", into: &out) }
    }

    private static func metrics(_ spec: KindSpec, into out: inout String) {
        guard !spec.metrics.isEmpty else { return }
        out += "\nCounters of its tasks:\n\n"
        for metric in spec.metrics {
            let name = StepCounters.metrics[metric.name].map { " (`\($0)`)" } ?? ""
            out += "- `\(metric.name)`\(name): \(metric.summary)\n"
        }
    }

    private static func table(_ words: [Word], into out: inout String) {
        out += "| word | value | default | meaning |\n|---|---|---|---|\n"
        for word in words {
            let fallback = word.defaultText.map { "`\($0)`" } ?? (word.required ? "**required**" : "")
            out += "| `\(word.name)` | \(cell(word.shape.expected)) | \(fallback) | \(cell(word.summary)) |\n"
        }
    }

    private static func kafka(into out: inout String) {
        out += """

            ## `spec.kafka`

            Any librdkafka property, so that TLS and SASL work. `${NAME}` in a value is taken from the worker's environment, here
            and nowhere else in the file. Secrets (every property with `password` or `secret` in its name, `ssl.key.pem`,
            `sasl.oauthbearer.config`) must be written so:

            ```yaml
            kafka:
              security.protocol: SASL_SSL
              sasl.mechanism: SCRAM-SHA-512
              sasl.username: egiz
              sasl.password: "${KAFKA_SASL_PASSWORD}"
            ```

            These belong to the engine and are refused:

            | property | why |
            |---|---|

            """
        for (name, reason) in KafkaProperties.owned.sorted(by: { $0.key < $1.key }) {
            out += "| `\(name)` | \(cell(reason)) |\n"
        }
    }

    private static func stream(_ stream: KindSpec.Stream) -> String {
        switch stream {
        case .events: "the records of a source"
        case .records: "the records of a source as they are, which has the format `json` and feeds nothing else"
        case .changes: "changes of twins"
        case .none: "nothing on"
        }
    }

    private static func cell(_ text: String) -> String {
        text.map { $0 == "|" ? "\\|" : $0 == "\n" ? " " : String($0) }.joined()
    }
}

extension String {
    fileprivate func trimmingLineEnd() -> String {
        var text = self
        while text.last == "\n" { text.removeLast() }
        return text
    }
}
