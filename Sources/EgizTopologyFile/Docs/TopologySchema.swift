public import EgizCore

/// The JSON Schema of topology files, for editors: completion, hover texts, red lines. It says what one value may be; what
/// only shows in the whole graph is the loader's to say.
public enum TopologySchema {
    /// The JSON Schema (2020-12) of a topology file whose processors are of these kinds, as `Schemas/topology.schema.json`
    /// holds it.
    public static func json(registry: ProcessorRegistry) -> String {
        let schema: JSONText = .object([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .string("https://digital-egiz.dev/schemas/topology.schema.json")),
            ("title", .string("Digital Egiz topology")),
            ("description", .string("What is read from Kafka and what is done with it. Generated; do not edit.")),
            ("type", .string("object")),
            (
                "properties",
                .object(
                    Vocabulary.root.map { word in
                        switch word.name {
                        case "metadata": (word.name, object(Vocabulary.metadata, word.summary))
                        case "spec": (word.name, object(Vocabulary.spec, word.summary, sections(registry)))
                        default: (word.name, value(word))
                        }
                    })
            ),
            ("required", required(Vocabulary.root)),
            ("additionalProperties", .bool(false)),
        ])
        return schema.text
    }

    private static func sections(_ registry: ProcessorRegistry) -> [String: JSONText] {
        let source = object(
            Vocabulary.source, "A source.",
            [
                "topics": topics(),
                "park": object(
                    Vocabulary.park, Vocabulary.source.first { $0.name == "park" }?.summary ?? "", [:]),
            ])
        let summaries = Dictionary(uniqueKeysWithValues: Vocabulary.spec.map { ($0.name, $0.summary) })
        return [
            "commit": object(Vocabulary.commit, summaries["commit"] ?? ""),
            "kafka": .object([
                ("type", .string("object")),
                ("description", .string(summaries["kafka"] ?? "")),
                ("propertyNames", .object([("pattern", .string("^\(NameRule.propertyPattern)$"))])),
                ("additionalProperties", scalar),
            ]),
            "sources": names(of: source, summaries["sources"] ?? "", least: 1),
            "processors": names(
                of: .object([("oneOf", .array(registry.entries.map { processor($0.spec) }))]),
                summaries["processors"] ?? "", least: 0),
        ]
    }

    private static let scalar: JSONText = .object([
        ("type", .array([.string("string"), .string("number"), .string("boolean")]))
    ])

    private static func names(of entry: JSONText, _ summary: String, least: Int64) -> JSONText {
        .object([
            ("type", .string("object")),
            ("description", .string(summary)),
            ("propertyNames", .object([("pattern", .string("^\(NameRule.namePattern)$"))])),
            ("minProperties", .int(least)),
            ("additionalProperties", entry),
        ])
    }

    private static func topics() -> JSONText {
        let config: JSONText = .object([
            ("type", .string("object")),
            ("description", .string(Vocabulary.topic.first { $0.name == "config" }?.summary ?? "")),
            ("propertyNames", .object([("pattern", .string("^\(NameRule.propertyPattern)$"))])),
            ("additionalProperties", scalar),
        ])
        return .object([
            ("type", .string("array")),
            ("description", .string(Vocabulary.source.first { $0.name == "topics" }?.summary ?? "")),
            ("minItems", .int(1)),
            (
                "items",
                .object([
                    (
                        "oneOf",
                        .array([
                            value(Word("name", .topicName, "The topic's name.")),
                            object(Vocabulary.topic, "A topic.", ["config": config]),
                        ])
                    )
                ])
            ),
        ])
    }

    private static func processor(_ spec: KindSpec) -> JSONText {
        var properties: [(String, JSONText)] = [
            (
                "kind",
                .object([("const", .string(spec.kind)), ("description", .string(spec.summary))])
            )
        ]
        let words = Vocabulary.processor.filter { $0.name != "kind" } + spec.fields.map { Word($0) }
        properties += words.map { ($0.name, value($0)) }
        return .object([
            ("title", .string(spec.kind)),
            ("description", .string(spec.summary)),
            ("type", .string("object")),
            ("properties", .object(properties)),
            ("required", .array([.string("kind")] + words.filter(\.required).map { .string($0.name) })),
            ("additionalProperties", .bool(false)),
        ])
    }

    package static func object(
        _ words: [Word], _ summary: String, _ sections: [String: JSONText] = [:]
    ) -> JSONText {
        .object([
            ("type", .string("object")),
            ("description", .string(summary)),
            ("properties", .object(words.map { ($0.name, sections[$0.name] ?? value($0)) })),
            ("required", required(words)),
            ("additionalProperties", .bool(false)),
        ])
    }

    private static func required(_ words: [Word]) -> JSONText {
        .array(words.filter(\.required).map { .string($0.name) })
    }

    package static func value(_ word: Word) -> JSONText {
        var members: [(String, JSONText)]
        switch word.shape {
        case .name: members = [("type", .string("string")), ("pattern", .string("^\(NameRule.namePattern)$"))]
        case .topicName: members = [("type", .string("string")), ("pattern", .string("^\(NameRule.topicPattern)$"))]
        case .text: members = [("type", .string("string"))]
        case .bool: members = [("type", .string("boolean"))]
        case .int(let range):
            members = [
                ("type", .string("integer")), ("minimum", .int(range.lowerBound)), ("maximum", .int(range.upperBound)),
            ]
        case .duration: members = [("type", .string("string")), ("pattern", .string("^[0-9]+(ms|s|m|h|d)$"))]
        case .size: members = [("type", .string("string")), ("pattern", .string("^[0-9]+(B|KiB|MiB|GiB)$"))]
        case .globs:
            let pattern: JSONText = .object([("type", .string("string")), ("pattern", .string("^/"))])
            members = [
                ("oneOf", .array([pattern, .object([("type", .string("array")), ("items", pattern)])]))
            ]
        case .choice(let words): members = [("enum", .array(words.map { .string($0) }))]
        case .texts:
            members = [("type", .string("array")), ("items", .object([("type", .string("string"))]))]
        case .number: members = [("type", .string("number"))]
        case .expression:
            members = [("type", .array([.string("string"), .string("number"), .string("boolean")]))]
        case .path, .template, .model, .node: members = [("type", .string("string"))]
        case .value: members = [("oneOf", anyValue)]
        case .pair:
            members = [
                ("type", .string("array")), ("items", .object([("oneOf", anyValue)])), ("minItems", .int(2)),
                ("maxItems", .int(2)),
            ]
        case .values:
            members = [("type", .string("object")), ("additionalProperties", .object([("oneOf", anyValue)]))]
        case .map(let words): return object(words, word.summary)
        case .list(let noun, let words):
            members = [("type", .string("array")), ("items", object(words, noun))]
        case .section: members = []
        }
        members.append(("description", .string(word.summary)))
        if let value = ValueCheck.writtenDefault(of: word) { members.append(("default", json(value))) }
        return .object(members)
    }

    /// A scalar or a list of numbers.
    private static let anyValue: JSONText = .array([
        scalar,
        .object([("type", .string("array")), ("items", .object([("type", .string("number"))]))]),
    ])

    private static func json(_ value: ConfigValue) -> JSONText {
        switch value.content {
        case .null: .string("")
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .string("\(number)")
        case .string(let text): .string(text)
        case .list(let items): .array(items.map(json))
        case .map(let members): .object(members.map { ($0.key, json($0.value)) })
        }
    }
}
