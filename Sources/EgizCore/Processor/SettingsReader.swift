/// Typed access to the settings of a definition, for the initializers of processors. The file was checked before, so a fault
/// here means that a definition was built by hand.
public struct SettingsReader {
    private let definition: ProcessorDefinition

    public init(_ definition: ProcessorDefinition) { self.definition = definition }

    public func bool(_ name: String) throws(TopologyFaults) -> Bool {
        if case .bool(let value)? = definition.settings[name]?.content { return value }
        throw fault(name, "true or false")
    }

    public func patterns(_ name: String) throws(TopologyFaults) -> [PathPattern] {
        guard case .list(let items)? = definition.settings[name]?.content else {
            throw fault(name, "a list of path patterns")
        }
        var patterns: [PathPattern] = []
        for item in items {
            guard case .string(let text) = item.content, let pattern = PathPattern(text) else {
                throw TopologyFaults([
                    TopologyFault(
                        at: item.mark,
                        "\(definition.name).\(name): found \(item.found), expected a path pattern such as \"/features/*/properties/**\""
                    )
                ])
            }
            patterns.append(pattern)
        }
        return patterns
    }

    /// A duration in microseconds; nil where it was left out. Files give milliseconds.
    public func duration(_ name: String) throws(TopologyFaults) -> Int64? {
        guard let value = definition.settings[name] else { return nil }
        guard case .int(let milliseconds) = value.content, milliseconds >= 0, milliseconds <= 3_153_600_000_000 else {
            throw fault(name, "a duration of at most 100 years")
        }
        return milliseconds * 1000
    }

    /// A text; nil where it was left out.
    public func text(_ name: String) throws(TopologyFaults) -> String? {
        guard let value = definition.settings[name] else { return nil }
        guard case .string(let text) = value.content else { throw fault(name, "a text") }
        return text
    }

    /// That a setting is not what the kind needs.
    public func fault(_ name: String, _ expected: String) -> TopologyFaults {
        let value = definition.settings[name]
        return TopologyFaults([
            TopologyFault(
                at: value?.mark ?? definition.mark,
                "\(definition.name).\(name): found \(value?.found ?? "nothing"), expected \(expected)")
        ])
    }
}
