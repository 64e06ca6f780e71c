/// Typed access to the settings of a definition, or to one entry of a list in it, for the initializers of processors. The file
/// was checked word by word before; what only the kind can tell is a fault here, with the place of the value.
public struct SettingsReader: Sendable {
    private let values: [String: ConfigValue]
    /// How the place is called in messages.
    public let path: String
    /// Where the settings stand.
    public let mark: SourceMark

    public init(_ definition: ProcessorDefinition) {
        values = definition.settings
        path = definition.name
        mark = definition.mark
    }

    /// - Parameter value: a map.
    public init(_ value: ConfigValue, path: String) {
        var values: [String: ConfigValue] = [:]
        if case .map(let members) = value.content {
            for member in members { values[member.key] = member.value }
        }
        self.values = values
        self.path = path
        mark = value.mark
    }

    public func has(_ name: String) -> Bool { values[name] != nil }

    /// The value as it was checked; nil where it was left out.
    public func value(_ name: String) -> ConfigValue? { values[name] }

    public func bool(_ name: String) throws(TopologyFaults) -> Bool {
        if case .bool(let value)? = values[name]?.content { return value }
        throw fault(name, "true or false")
    }

    public func patterns(_ name: String) throws(TopologyFaults) -> [PathPattern] {
        guard case .list(let items)? = values[name]?.content else {
            throw fault(name, "a list of path patterns")
        }
        var patterns: [PathPattern] = []
        for item in items {
            guard case .string(let text) = item.content, let pattern = PathPattern(text) else {
                throw TopologyFaults([
                    TopologyFault(
                        at: item.mark,
                        "\(path).\(name): found \(item.found), expected a path pattern such as \"/features/*/properties/**\""
                    )
                ])
            }
            patterns.append(pattern)
        }
        return patterns
    }

    /// A duration in microseconds; nil where it was left out. Files give milliseconds.
    public func duration(_ name: String) throws(TopologyFaults) -> Int64? {
        guard let value = values[name] else { return nil }
        guard case .int(let milliseconds) = value.content, milliseconds >= 0, milliseconds <= 3_153_600_000_000 else {
            throw fault(name, "a duration of at most 100 years")
        }
        return milliseconds * 1000
    }

    /// A text; nil where it was left out.
    public func text(_ name: String) throws(TopologyFaults) -> String? {
        guard let value = values[name] else { return nil }
        guard case .string(let text) = value.content else { throw fault(name, "a text") }
        return text
    }

    /// A text that must be there.
    public func required(_ name: String) throws(TopologyFaults) -> String {
        guard let text = try text(name) else { throw fault(name, "a text") }
        return text
    }

    /// The texts of a list; empty where it was left out.
    public func texts(_ name: String) throws(TopologyFaults) -> [String] {
        var texts: [String] = []
        for item in try list(name) {
            guard case .string(let text) = item.content else { throw fault(name, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// A number; nil where it was left out.
    public func number(_ name: String) throws(TopologyFaults) -> Double? {
        guard let value = values[name] else { return nil }
        switch value.content {
        case .int(let number): return Double(number)
        case .double(let number): return number
        default: throw fault(name, "a number")
        }
    }

    /// A whole number, or a size in bytes; nil where it was left out.
    public func integer(_ name: String) throws(TopologyFaults) -> Int? {
        guard let value = values[name] else { return nil }
        guard case .int(let number) = value.content else { throw fault(name, "a whole number") }
        return Int(number)
    }

    /// An expression; nil where it was left out.
    public func expression(_ name: String, allowsValue: Bool = false) throws(TopologyFaults) -> Expression? {
        guard let text = try text(name) else { return nil }
        do throws(ExpressionFault) {
            return try Expression(parsing: text, allowsValue: allowsValue)
        } catch {
            throw fault(name, error)
        }
    }

    /// An expression that is nothing but a path; nil where it was left out.
    public func path(_ name: String) throws(TopologyFaults) -> Expression? {
        guard let text = try text(name) else { return nil }
        do throws(ExpressionFault) {
            return try Expression(path: text)
        } catch {
            throw fault(name, error)
        }
    }

    /// A text with expressions in braces; nil where it was left out.
    public func template(_ name: String, allowsValue: Bool = false) throws(TopologyFaults) -> TextTemplate? {
        guard let text = try text(name) else { return nil }
        do throws(ExpressionFault) {
            return try TextTemplate(parsing: text, allowsValue: allowsValue)
        } catch {
            throw fault(name, error)
        }
    }

    /// The values of a list; empty where it was left out.
    public func list(_ name: String) throws(TopologyFaults) -> [ConfigValue] {
        guard let value = values[name] else { return [] }
        guard case .list(let items) = value.content else { throw fault(name, "a list") }
        return items
    }

    /// The entries of a list of maps; empty where it was left out.
    public func entries(_ name: String) throws(TopologyFaults) -> [SettingsReader] {
        try list(name).enumerated().map { SettingsReader($0.element, path: "\(path).\(name)[\($0.offset)]") }
    }

    /// A map with words of its own; nil where it was left out.
    public func map(_ name: String) throws(TopologyFaults) -> SettingsReader? {
        guard let value = values[name] else { return nil }
        guard case .map = value.content else { throw fault(name, "a map") }
        return SettingsReader(value, path: "\(path).\(name)")
    }

    /// That a setting is not what the kind needs.
    public func fault(_ name: String, _ expected: String) -> TopologyFaults {
        let value = values[name]
        return fault(
            at: value?.mark ?? mark, "\(path).\(name): found \(value?.found ?? "nothing"), expected \(expected)")
    }

    private func fault(_ name: String, _ error: ExpressionFault) -> TopologyFaults {
        fault(at: values[name]?.mark ?? mark, "\(path).\(name): \(error)")
    }

    /// Any fault at a place of these settings.
    public func fault(at mark: SourceMark, _ message: String) -> TopologyFaults {
        TopologyFaults([TopologyFault(at: mark, message)])
    }
}
