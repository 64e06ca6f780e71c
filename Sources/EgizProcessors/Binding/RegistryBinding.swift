import EgizCore

/// Bindings of the registry, which no file's checks have seen.
enum RegistryBinding {
    /// The settings of a binding with what its row says of twins; unknown words are faults here as they are in files.
    static func settings(_ entry: RuleRegistry.Binding) throws(TopologyFaults) -> SettingsReader {
        let path = "data_bindings_3d[\(entry.id)]"
        let checked = try RegistryWords.checked(entry.settings, Binding.fields, path)
        return try RegistryWords.aimed(checked, type: entry.type, thing: entry.thing, path)
    }
}
