public import EgizCore
import EgizTwin

/// Holds the records that a topology emits to the schemas in `Schemas/`. Each topic that its processors write has one, but for
/// those whose values are only handed on.
public struct MessageCheck {
    private static let letterHeaders = [
        "egiz-dlq-topic", "egiz-dlq-partition", "egiz-dlq-offset", "egiz-dlq-attempts", "egiz-dlq-code",
        "egiz-dlq-message", "egiz-dlq-topology", "egiz-dlq-source", "egiz-dlq-disposition", "egiz-db",
    ]

    private var schemas: [String: JSONSchema] = [:]
    private var handedOn: Set<String> = []
    private let parser = JSONParser()

    public init(_ topology: Topology, _ registry: ProcessorRegistry) throws {
        for stage in topology.stages {
            for definition in stage.processors {
                guard let spec = registry[definition.kind]?.spec else { continue }
                for topic in spec.topics(writtenBy: definition, of: stage.source) {
                    if let name = spec.messages[topic.word] {
                        schemas[topic.name] = try JSONSchema(name)
                    } else {
                        handedOn.insert(topic.name)
                    }
                }
            }
        }
        // A dead letter that is tried again may go to the topic that it came from.
        for topic in topology.sources.flatMap(\.topics) where schemas[topic.name] == nil { handedOn.insert(topic.name) }
    }

    /// What is wrong with the records, one sentence each.
    public func faults(_ records: [OutputRecord]) -> [String] {
        records.flatMap { record -> [String] in faults(record).map { "\(record.topic) \(record.id): \($0)" } }
    }

    private func faults(_ record: OutputRecord) -> [String] {
        if record.topic.hasSuffix(".dlq") {
            let names = Set(record.headers.map(\.name))
            return Self.letterHeaders.filter { !names.contains($0) }.map { "it has no header \($0)" }
        }
        if handedOn.contains(record.topic) { return [] }
        guard let schema = schemas[record.topic] else { return ["no schema describes it"] }
        guard let value = record.value.flatMap({ try? parser.parse($0) }) else { return ["it is no JSON"] }
        return schema.faults(value)
    }
}
