public import EgizTwin

/// A type of twins as the registry holds it.
public struct StoredTwinType: Sendable {
    public var name: String
    public var parent: String?
    /// What is declared on it: description, schema, policy, units, bindings, alertRules, mlTasks.
    public var definition: JSONObject
    public var version: Int64
    /// Of the type's namespace; nil: nobody's.
    public var project: ProjectID?
    public var createdAt: EventTime
    public var updatedAt: EventTime

    /// A list of objects in the definition.
    public func objects(_ name: String) -> [JSONObject] {
        guard case .array(let elements)? = definition[name] else { return [] }
        return elements.compactMap(\.object)
    }

    /// A list of texts in the definition.
    public func texts(_ name: String) -> [String] {
        guard case .array(let elements)? = definition[name] else { return [] }
        return elements.compactMap(\.string)
    }
}
