import EgizCore

/// Tasks of the registry, which no file's checks have seen.
enum RegistryTask {
    static func task(_ entry: RuleRegistry.ModelTask) throws(TopologyFaults) -> ModelTask {
        let path = "ml_task[\(entry.name)]"
        guard ModelTask.isName(entry.name) else {
            throw RegistryWords.fault("\(path): expected \(ModelTask.nameRule)")
        }
        let settings = try RegistryWords.checked(entry.settings, ModelTask.fields, path)
        return try ModelTask(name: entry.name, SettingsReader(settings, path: path))
    }
}
