import EgizCore
import EgizTwin

extension TopologyReader {
    func sources(_ spec: MapReader) -> [DraftTopology.Source] {
        let entries = entries("sources", of: spec)
        if let value = spec.raw("sources"), case .map(let members) = value.content, members.isEmpty {
            faults.error(at: spec.mark(of: "sources"), "`spec.sources` is empty, expected at least one source")
        }
        return entries.map { source($0.key, $0.value, at: $0.mark) }
    }

    private func source(_ name: String, _ value: ConfigValue, at mark: SourceMark) -> DraftTopology.Source {
        let path = "sources.\(name.shortened)"
        var result = DraftTopology.Source(
            definition: SourceDefinition(
                name: name, topics: [], format: .json, start: .earliest, onGap: .fail, idle: .seconds(5), mark: mark),
            hasFormat: false)
        guard let reader = MapReader(value, at: mark, path, Vocabulary.source, faults) else { return result }
        if let format = reader.choice("format", RecordFormat.self) {
            result.definition.format = format
            result.hasFormat = true
        }
        if let start = reader.choice("start", SourceDefinition.Start.self) { result.definition.start = start }
        if let onGap = reader.choice("onGap", SourceDefinition.OnGap.self) { result.definition.onGap = onGap }
        if let idle = reader.int("idle") { result.definition.idle = .milliseconds(idle) }
        if let policy = reader.string("onError").flatMap(ErrorPolicy.disposition) { result.definition.onError = policy }
        if case .bool(let flag)? = reader.value("deadLetterTopic")?.content { result.definition.deadLetterTopic = flag }
        if case .bool(let flag)? = reader.value("cycle")?.content { result.definition.mayCycle = flag }
        if let value = reader.raw("park"),
            let park = MapReader(value, at: reader.mark(of: "park"), "\(path).park", Vocabulary.park, faults)
        {
            if let most = park.int("maxPerThing") { result.definition.park.perThing = Int(most) }
            if let most = park.int("max") { result.definition.park.total = Int(most) }
        }
        if let value = reader.raw("topics") { result.definition.topics = topics(value, "\(path).topics") }
        checkPartitions(result.definition.topics, path)
        return result
    }

    private func topics(_ value: ConfigValue, _ path: String) -> [SourceDefinition.Topic] {
        guard case .list(let items) = value.content else {
            let hint: String
            if case .string(let text) = value.content { hint = "; write `[\(text.shortened)]`" } else { hint = "" }
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a list of topics\(hint)")
            return []
        }
        if items.isEmpty { faults.error(at: value.mark, "`\(path)` is empty, expected at least one topic") }
        if items.count > Self.maximumEntries {
            faults.error(
                at: items[Self.maximumEntries].mark,
                "`\(path)` holds \(items.count) topics, expected at most \(Self.maximumEntries)")
        }
        var topics: [SourceDefinition.Topic] = []
        for item in items.prefix(Self.maximumEntries) {
            guard let topic = topic(item, path) else { continue }
            if let other = topics.first(where: { $0.name.utf8.elementsEqual(topic.name.utf8) }) {
                faults.error(
                    at: topic.mark,
                    "`\(path)`: the topic \"\(topic.name)\" stands twice, first in line \(other.mark.line); remove one")
                continue
            }
            topics.append(topic)
        }
        return topics
    }

    private func topic(_ item: ConfigValue, _ path: String) -> SourceDefinition.Topic? {
        guard case .map = item.content else {
            guard let checked = ValueCheck.check(item, .topicName, at: path, faults),
                case .string(let name) = checked.content
            else { return nil }
            return SourceDefinition.Topic(name: name, partitions: nil, config: [:], mark: item.mark)
        }
        guard let reader = MapReader(item, at: item.mark, path, Vocabulary.topic, faults) else { return nil }
        let name = reader.string("name")
        let partitions = reader.int("partitions")
        let config = reader.raw("config").map { topicConfig($0, reader.path(of: "config")) }
        guard let name else { return nil }
        return SourceDefinition.Topic(
            name: name, partitions: partitions.map { Int32($0) }, config: config ?? [:],
            mark: reader.raw("name")?.mark ?? item.mark)
    }

    private func topicConfig(_ value: ConfigValue, _ path: String) -> [String: String] {
        guard case .map(let members) = value.content else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a map of topic settings")
            return [:]
        }
        var config: [String: String] = [:]
        for member in members {
            guard NameRule.isProperty(member.key) else {
                faults.error(
                    at: member.mark,
                    "`\(path)`: found \"\(member.key.shortened)\", expected a Kafka topic setting such as `retention.ms`"
                )
                continue
            }
            guard let text = member.value.scalarText else {
                faults.error(
                    at: member.value.mark,
                    "`\(path).\(member.key)`: found \(member.value.found), expected a text, a number, true or false")
                continue
            }
            config[member.key] = text
        }
        return config
    }

    /// Co-partitioning: a task is one partition number over all topics of its source.
    private func checkPartitions(_ topics: [SourceDefinition.Topic], _ path: String) {
        guard let first = topics.first else { return }
        for topic in topics.dropFirst() where topic.partitions != first.partitions {
            func count(_ topic: SourceDefinition.Topic) -> String {
                topic.partitions.map { "\($0) partitions" } ?? "no partition count"
            }
            faults.error(
                at: topic.mark,
                "`\(path).topics`: \"\(topic.name)\" declares \(count(topic)), \"\(first.name)\" \(count(first)); the topics of one source must declare equal partitions"
            )
        }
    }
}

extension ConfigValue {
    /// The text of a scalar as it was written; nil for null, lists and maps.
    var scalarText: String? {
        switch content {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .null, .list, .map: nil
        }
    }
}
