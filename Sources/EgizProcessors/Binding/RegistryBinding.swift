import EgizCore

/// Bindings of the registry, which no file's checks have seen.
enum RegistryBinding {
    /// The settings of a binding with what its row says of twins; unknown words are faults here as they are in files.
    static func settings(_ entry: RuleRegistry.Binding) throws(TopologyFaults) -> SettingsReader {
        let mark = SourceMark(line: 1, column: 1)
        let path = "data_bindings_3d[\(entry.id)]"
        func fault(_ message: String) -> TopologyFaults { TopologyFaults([TopologyFault(at: mark, message)]) }
        guard case .map(var members) = entry.settings.content else { throw fault("\(path): expected a map of words") }
        let known = Binding.fields.map(\.name)
        for member in members where !known.contains(member.key) {
            let hint = NearestWord.find(member.key, among: known).map { "; did you mean `\($0)`?" } ?? ""
            throw fault("\(path): unknown word `\(member.key)`\(hint)")
        }
        guard (entry.type == nil) != (entry.thing == nil) else { throw fault("\(path): expected a type or a thing") }
        members.removeAll { $0.key == "type" || $0.key == "thing" }
        if let type = entry.type { members.append(("type", mark, ConfigValue(.string(type), at: mark))) }
        if let thing = entry.thing { members.append(("thing", mark, ConfigValue(.string(thing), at: mark))) }
        return SettingsReader(ConfigValue(.map(members), at: mark), path: path)
    }
}
