import EgizCore

/// Words of the registry, which no file's checks have seen: brought to what the check of a file would leave.
enum RegistryWords {
    /// Unknown words are faults here as they are in files, and durations are written as there.
    static func checked(_ value: ConfigValue, _ fields: [KindField], _ path: String) throws(TopologyFaults)
        -> ConfigValue
    {
        guard case .map(let members) = value.content else { throw fault("\(path): expected a map of words") }
        let known = fields.map(\.name)
        var checked: [(key: String, mark: SourceMark, value: ConfigValue)] = []
        for member in members {
            guard let field = fields.first(where: { $0.name == member.key }) else {
                let hint = NearestWord.find(member.key, among: known).map { "; did you mean `\($0)`?" } ?? ""
                throw fault("\(path): unknown word `\(member.key)`\(hint)")
            }
            let place = "\(path).\(member.key)"
            var value = member.value
            switch (field.kind, member.value.content) {
            case (.map(let inner), _): value = try Self.checked(member.value, inner, place)
            case (.list(_, let inner), .list(let items)):
                var list: [ConfigValue] = []
                for (index, item) in items.enumerated() {
                    list.append(try Self.checked(item, inner, "\(place)[\(index)]"))
                }
                value.content = .list(list)
            case (.duration, .string(let text)):
                guard let milliseconds = milliseconds(text) else {
                    throw fault("\(place): found \"\(text.prefix(60))\", expected a duration such as \"10s\"")
                }
                value.content = .int(milliseconds)
            case (.duration, _):
                throw fault("\(place): found \(member.value.found), expected a duration such as \"10s\"")
            default: break
            }
            checked.append((member.key, member.mark, value))
        }
        return ConfigValue(.map(checked), at: value.mark)
    }

    /// With the type or the thing that the row is for in place of what the words may say.
    static func aimed(_ value: ConfigValue, type: String?, thing: String?, _ path: String) throws(TopologyFaults)
        -> SettingsReader
    {
        let mark = SourceMark(line: 1, column: 1)
        guard case .map(var members) = value.content else { throw fault("\(path): expected a map of words") }
        guard (type == nil) != (thing == nil) else { throw fault("\(path): expected a type or a thing") }
        members.removeAll { $0.key == "type" || $0.key == "thing" }
        if let type { members.append(("type", mark, ConfigValue(.string(type), at: mark))) }
        if let thing { members.append(("thing", mark, ConfigValue(.string(thing), at: mark))) }
        return SettingsReader(ConfigValue(.map(members), at: mark), path: path)
    }

    static func fault(_ message: String) -> TopologyFaults {
        TopologyFaults([TopologyFault(at: SourceMark(line: 1, column: 1), message)])
    }

    private static func milliseconds(_ text: String) -> Int64? {
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        for (unit, factor) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count)
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits)
            else { continue }
            let (product, overflow) = number.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        return nil
    }
}
