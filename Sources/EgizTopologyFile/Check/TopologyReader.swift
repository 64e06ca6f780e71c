import EgizCore
import EgizTwin

/// Reads a topology out of the values of a file. One call of `read` a reader.
struct TopologyReader {
    /// Sources, processors, and topics of a source: more of one kind are a mistake, not a topology.
    static let maximumEntries = 500

    let registry: ProcessorRegistry
    let environment: [String: String]
    let kafkaProperties: [String]
    let faults: FaultList

    /// - Returns: the topology; meaningful only where `faults` holds no error afterwards. Nil where not even its outline
    ///   could be read.
    func read(_ value: ConfigValue, text: String) -> Topology? {
        let start = SourceMark(line: 1, column: 1)
        guard let root = MapReader(value, at: start, "", Vocabulary.root, faults) else { return nil }
        _ = root.string("apiVersion")
        _ = root.string("kind")

        var name: String?
        var description: String?
        if let value = root.raw("metadata"),
            let metadata = MapReader(value, at: root.mark(of: "metadata"), "metadata", Vocabulary.metadata, faults)
        {
            name = metadata.string("name")
            if metadata.raw("description") != nil { description = metadata.string("description") }
        }
        guard let value = root.raw("spec"),
            let spec = MapReader(value, at: root.mark(of: "spec"), "spec", Vocabulary.spec, faults)
        else { return nil }

        let delivery = spec.choice("delivery", Topology.Delivery.self)
        let parallelism = spec.int("parallelism")
        let commit = commit(spec)
        let kafka = spec.raw("kafka").map {
            KafkaProperties(environment: environment, known: kafkaProperties, faults: faults).read($0)
        }
        var draft = DraftTopology()
        draft.sources = sources(spec)
        draft.processors = processors(spec)
        GraphCheck(draft: draft, registry: registry, faults: faults).run()

        guard let name, let delivery, let parallelism else { return nil }
        return Topology(
            name: name, description: description, delivery: delivery, parallelism: Int(parallelism), commit: commit,
            sources: draft.sources.map(\.definition), processors: draft.processors.map(\.definition),
            kafka: kafka ?? [:], sourceText: text)
    }

    private func commit(_ spec: MapReader) -> CommitPolicy {
        let absent = ConfigValue(.map([]), at: spec.mark)
        guard
            let reader = MapReader(
                spec.raw("commit") ?? absent, at: spec.mark(of: "commit"), "spec.commit", Vocabulary.commit, faults)
        else { return .standard }
        var policy = CommitPolicy.standard
        if let milliseconds = reader.int("interval") { policy.interval = .milliseconds(milliseconds) }
        if let records = reader.int("maxRecords") { policy.maxRecords = Int(records) }
        if let bytes = reader.int("maxBytes") { policy.maxBytes = Int(bytes) }
        return policy
    }

    /// The members of a map of names; names that cannot be are reported, and their entries read nevertheless.
    func entries(
        _ name: String, of spec: MapReader
    ) -> [(key: String, mark: SourceMark, value: ConfigValue)] {
        guard let value = spec.raw(name) else { return [] }
        guard case .map(let all) = value.content else {
            faults.error(
                at: value.mark, "`\(spec.path(of: name))`: found \(value.found), expected a map of names")
            return []
        }
        if all.count > Self.maximumEntries {
            faults.error(
                at: all[Self.maximumEntries].mark,
                "`\(spec.path(of: name))` holds \(all.count) entries, expected at most \(Self.maximumEntries); divide the topology"
            )
        }
        let members = Array(all.prefix(Self.maximumEntries))
        for member in members where !NameRule.isName(member.key) {
            faults.error(
                at: member.mark,
                "`\(spec.path(of: name))`: found the name \"\(member.key.shortened)\", expected \(Word.Shape.name.expected)"
            )
        }
        return members
    }

    // MARK: - Processors

    private func processors(_ spec: MapReader) -> [DraftTopology.Processor] {
        entries("processors", of: spec).map { entry in
            processor(entry.key, entry.value, at: entry.mark)
        }
    }

    private func processor(_ name: String, _ value: ConfigValue, at mark: SourceMark) -> DraftTopology.Processor {
        let path = "processors.\(name.shortened)"
        let kind = kind(of: value, path)
        let spec = kind.flatMap { registry[$0]?.spec }
        var result = DraftTopology.Processor(
            definition: ProcessorDefinition(name: name, kind: kind ?? "", from: "", settings: [:], mark: mark),
            spec: spec, fromMark: nil)
        let words = Vocabulary.processor + (spec?.fields.map { Word($0) } ?? [])
        var value = value
        // The words of an unknown kind are unknown as well: nothing is said of them.
        if spec == nil, case .map(let members) = value.content {
            let common = Set(words.map(\.name))
            value.content = .map(members.filter { common.contains($0.key) })
        }
        let before = faults.errorCount
        guard let reader = MapReader(value, at: mark, path, words, faults) else { return result }
        if let from = reader.string("from") {
            result.definition.from = from
            result.fromMark = reader.raw("from")?.mark
        }
        if let policy = reader.string("onError").flatMap(ErrorPolicy.disposition) { result.definition.onError = policy }
        for field in spec?.fields ?? [] {
            if let setting = reader.value(field.name) { result.definition.settings[field.name] = setting }
        }
        // What only the kind can tell: whether the words fit each other.
        if let kind, faults.errorCount == before {
            do throws(TopologyFaults) { _ = try registry[kind]?.make(result.definition) } catch {
                faults.add(error.faults)
            }
        }
        return result
    }

    private func kind(of value: ConfigValue, _ path: String) -> String? {
        guard case .map(let members) = value.content,
            let member = members.first(where: { $0.key == "kind" })
        else { return nil }
        let known = registry.entries.map(\.spec.kind)
        guard case .string(let kind) = member.value.content else {
            faults.error(
                at: member.value.mark,
                "`\(path).kind`: found \(member.value.found), expected \(Word.Shape.list(known))")
            return nil
        }
        if registry[kind] == nil {
            faults.error(
                at: member.value.mark,
                "`\(path).kind`: unknown kind \"\(kind.shortened)\", expected \(Word.Shape.list(known))\(ValueCheck.hint(for: kind, among: known))"
            )
        }
        return kind
    }
}
