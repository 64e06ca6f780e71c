import EgizCore

/// Alert rules that types of the registry declare, which no file's checks have seen.
enum RegistryAlertRule {
    static func condition(_ entry: RuleRegistry.AlertRule) throws(TopologyFaults) -> AlertCondition {
        let path = "twin_type[\(entry.type)].alertRules"
        let checked = try RegistryWords.checked(entry.settings, AlertCondition.fields, path)
        return try AlertCondition(RegistryWords.aimed(checked, type: entry.type, thing: nil, path))
    }
}
