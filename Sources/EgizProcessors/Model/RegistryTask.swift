import EgizCore

/// Tasks of the registry, which no file's checks have seen.
enum RegistryTask {
    /// Unknown words are faults here as they are in files.
    static func task(_ entry: RuleRegistry.ModelTask) throws(TopologyFaults) -> ModelTask {
        let mark = SourceMark(line: 1, column: 1)
        let path = "ml_task[\(entry.name)]"
        guard ModelTask.isName(entry.name) else {
            throw TopologyFaults([TopologyFault(at: mark, "\(path): expected \(ModelTask.nameRule)")])
        }
        try check(entry.settings, ModelTask.fields, path, mark)
        return try ModelTask(name: entry.name, SettingsReader(entry.settings, path: path))
    }

    private static func check(_ value: ConfigValue, _ fields: [KindField], _ path: String, _ mark: SourceMark)
        throws(TopologyFaults)
    {
        func fault(_ message: String) -> TopologyFaults { TopologyFaults([TopologyFault(at: mark, message)]) }
        guard case .map(let members) = value.content else { throw fault("\(path): expected a map of words") }
        let known = fields.map(\.name)
        for member in members {
            guard let field = fields.first(where: { $0.name == member.key }) else {
                let hint = NearestWord.find(member.key, among: known).map { "; did you mean `\($0)`?" } ?? ""
                throw fault("\(path): unknown word `\(member.key)`\(hint)")
            }
            switch (field.kind, member.value.content) {
            case (.map(let inner), _): try check(member.value, inner, "\(path).\(member.key)", mark)
            case (.list(_, let inner), .list(let items)):
                for (index, item) in items.enumerated() {
                    try check(item, inner, "\(path).\(member.key)[\(index)]", mark)
                }
            default: break
            }
        }
    }
}
