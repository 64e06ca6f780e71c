import EgizCore
public import EgizTwin

/// Whether entries of the registry make sense, asked before they are stored: by the very code that puts them in force.
public enum RegistryCheck {
    private static let mark = SourceMark(line: 1, column: 1)

    /// What is wrong with a binding of a type or of a thing; nil where nothing is.
    public static func binding(_ settings: JSONValue, type: String?, thing: String?) -> String? {
        let entry = RuleRegistry.Binding(
            id: 0, type: type, thing: thing, settings: ConfigValue(json: settings, at: mark))
        return message("data_bindings_3d[0]", "binding") { () throws(TopologyFaults) in
            _ = try Binding(RegistryBinding.settings(entry))
        }
    }

    /// What is wrong with an alert rule of a type; nil where nothing is.
    public static func alertRule(_ settings: JSONValue, type: String) -> String? {
        let entry = RuleRegistry.AlertRule(type: type, settings: ConfigValue(json: settings, at: mark))
        return message("twin_type[\(type)].alertRules", "rule") { () throws(TopologyFaults) in
            _ = try RegistryAlertRule.condition(entry)
        }
    }

    /// What is wrong with a task of models; nil where nothing is.
    public static func task(_ name: String, _ settings: JSONValue) -> String? {
        let entry = RuleRegistry.ModelTask(name: name, settings: ConfigValue(json: settings, at: mark))
        return message("ml_task[\(name)]", "task") { () throws(TopologyFaults) in _ = try RegistryTask.task(entry) }
    }

    /// Whether a text may name a task or a model.
    public static func isName(_ text: String) -> Bool { ModelTask.isName(text) }

    /// What names of tasks and models look like, for people.
    public static var nameRule: String { ModelTask.nameRule }

    /// What the check says, with the place called by another name: tables are none of a client's business.
    private static func message(_ place: String, _ name: String, _ check: () throws(TopologyFaults) -> Void) -> String?
    {
        do throws(TopologyFaults) {
            try check()
            return nil
        } catch {
            let text = error.faults.first?.message ?? "it is not usable"
            return text.hasPrefix(place) ? name + text.dropFirst(place.count) : text
        }
    }
}
