/// A topic that a processor writes.
public struct WrittenTopic: Sendable {
    public var name: String
    /// The word that names it; `alert.to` for one within another.
    public var word: String
    /// Where the file names it.
    public var mark: SourceMark
}

extension KindSpec {
    /// The topics that a processor of the kind writes, by its settings or by default.
    ///
    /// - Parameter source: the one at the root of its branch.
    public func topics(writtenBy definition: ProcessorDefinition, of source: SourceDefinition) -> [WrittenTopic] {
        var topics = Self.topics(fields, "") { definition.settings[$0] }
        if let defaultTopics, definition.settings["to"] == nil {
            topics += defaultTopics(definition, source).map {
                WrittenTopic(name: $0, word: "to", mark: definition.mark)
            }
        }
        return topics
    }

    private static func topics(_ fields: [KindField], _ path: String, _ value: (String) -> ConfigValue?)
        -> [WrittenTopic]
    {
        fields.flatMap { field -> [WrittenTopic] in
            guard let found = value(field.name) else { return [] }
            let word = path + field.name
            switch (field.kind, found.content) {
            case (.topic, .string(let name)): return [WrittenTopic(name: name, word: word, mark: found.mark)]
            case (.map(let inner), .map): return topics(inner, word + ".", members(of: found))
            case (.list(_, let inner), .list(let items)):
                return items.flatMap { topics(inner, word + ".", members(of: $0)) }
            default: return []
            }
        }
    }

    private static func members(of value: ConfigValue) -> (String) -> ConfigValue? {
        guard case .map(let members) = value.content else { return { _ in nil } }
        return { name in members.first { $0.key == name }?.value }
    }
}
