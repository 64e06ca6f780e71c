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

    private func fault(_ name: String, _ expected: String) -> TopologyFaults {
        let value = definition.settings[name]
        return TopologyFaults([
            TopologyFault(
                at: value?.mark ?? definition.mark,
                "\(definition.name).\(name): found \(value?.found ?? "nothing"), expected \(expected)")
        ])
    }
}
