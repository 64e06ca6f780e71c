public import EgizTwin

/// What the registry in Postgres says at one version: types of twins, the bindings and alert
/// rules declared on them, and tasks of models (rule 20).
public struct RuleRegistry: Sendable {
    public struct Binding: Sendable {
        public var id: Int64
        /// The definition of the twins it is for, or…
        public var type: String?
        /// …the one thing.
        public var thing: String?
        /// The words of a binding, as a topology would have them.
        public var settings: ConfigValue

        public init(id: Int64, type: String?, thing: String?, settings: ConfigValue) {
            (self.id, self.type, self.thing, self.settings) = (id, type, thing, settings)
        }
    }

    /// A task of models.
    public struct ModelTask: Sendable {
        public var name: String
        /// The words of a task, as a topology would have them.
        public var settings: ConfigValue
        /// Whom it is for, where it is only for twins that somebody has bound to it; nil: for all that the settings name.
        public var members: Members?

        public init(name: String, settings: ConfigValue, members: Members? = nil) {
            (self.name, self.settings, self.members) = (name, settings, members)
        }
    }

    /// Twins that are bound to a task: those of types with their descendants, and single ones.
    public struct Members: Sendable, Equatable {
        public var types: Set<String>
        public var things: Set<String>

        public init(types: Set<String> = [], things: Set<String> = []) {
            (self.types, self.things) = (types, things)
        }
    }

    /// An alert rule that a type declares.
    public struct AlertRule: Sendable {
        public var type: String
        /// The words of a rule, as a topology would have them.
        public var settings: ConfigValue

        public init(type: String, settings: ConfigValue) { (self.type, self.settings) = (type, settings) }
    }

    /// What a type says of the features of its twins.
    public struct Schema: Sendable {
        public var type: String
        /// Nil: it says nothing itself.
        public var schema: JSONValue?
        /// `accept`, `flag`, `reject`; nil: as its parent says.
        public var policy: String?

        public init(type: String, schema: JSONValue?, policy: String?) {
            (self.type, self.schema, self.policy) = (type, schema, policy)
        }
    }

    /// Rises with every change.
    public var version: Int64
    /// Type to parent type.
    public var parents: [String: String]
    public var bindings: [Binding]
    public var tasks: [ModelTask]
    public var alertRules: [AlertRule]
    public var schemas: [Schema] = []
    /// Thing to type, of registered things; it counts where a thing tells no definition.
    public private(set) var thingTypes: [ThingID: String] = [:]
    /// Of `thingTypes`, so that no task reckons it anew; 0 where there are none.
    public private(set) var thingTypesFingerprint: UInt64 = 0

    public static let empty = RuleRegistry(version: 0, parents: [:], bindings: [])

    public init(
        version: Int64, parents: [String: String], bindings: [Binding], tasks: [ModelTask] = [],
        alertRules: [AlertRule] = []
    ) {
        (self.version, self.parents, self.bindings) = (version, parents, bindings)
        (self.tasks, self.alertRules) = (tasks, alertRules)
    }

    public mutating func setThingTypes(_ types: [ThingID: String]) {
        var hash = Fingerprint()
        for (thing, type) in types.sorted(by: { $0.key < $1.key }) {
            hash.combine(thing.text)
            hash.combine(type)
        }
        thingTypes = types
        thingTypesFingerprint = types.isEmpty ? 0 : hash.value
    }

    /// The registered things whose type is another one than in `old`; nil where there are more than `most`.
    public func retyped(since old: RuleRegistry, atMost most: Int = 10_000) -> [ThingID]? {
        guard thingTypesFingerprint != old.thingTypesFingerprint else { return [] }
        var things: [ThingID] = []
        for (thing, type) in thingTypes where old.thingTypes[thing] != type { things.append(thing) }
        for thing in old.thingTypes.keys where thingTypes[thing] == nil { things.append(thing) }
        return things.count <= most ? things.sorted() : nil
    }
}

/// How far a task is with the rules in force: stored with its offsets (rule 20).
public struct RulesProgress: Sendable, Equatable {
    /// Of the registry.
    public var version: Int64
    /// Fingerprint of all rules, the topology's too; things are reviewed when it changes.
    public var fingerprint: Int64
    /// The last thing reviewed under these rules, empty before the first; nil: all are.
    public var reviewedThrough: String?

    public init(version: Int64, fingerprint: Int64, reviewedThrough: String?) {
        (self.version, self.fingerprint, self.reviewedThrough) = (version, fingerprint, reviewedThrough)
    }
}
