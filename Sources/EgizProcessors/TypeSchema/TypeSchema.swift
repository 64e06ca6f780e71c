public import EgizCore
import EgizTwin

/// The kind `type-schema`: holds the features of things to the JSON Schemas of their types, by the policy of the type.
///
/// Looked at where an event changes a feature. A refused event leaves no trace but its dead letter: the step takes back what the others
/// of its stage did with it (rule 5).
public final class TypeSchema: StatefulProcessor {
    public typealias State = SchemaState

    public static let spec = KindSpec(
        kind: "type-schema",
        summary: """
            Holds the features of things to the JSON Schemas that their types declare in the registry: by the policy of the type an \
            event that makes them something else is accepted, flagged, or refused, which makes it a dead letter with the code `schema`.
            """,
        input: .changes,
        output: .none,
        projections: [],
        fields: [
            TwinSelector.types,
            .init(
                "to", .topic, default: "framework.notifications.v1.schema",
                "A topic for things that do not fit their types any more, or do again, key: the thing id; `Schemas/schema.v1.schema.json`."
            ),
        ],
        metrics: [.init("ruleErrors", "events that made things something else than their types say, and were flagged")],
        messages: ["to": "schema.v1.schema.json"],
        example: "schemas: { kind: type-schema, from: twins, onError: deadLetter }")

    /// What holds for things of one type.
    final class Rule: Sendable {
        enum Policy: String { case accept, flag, reject }

        let type: String
        let policy: Policy
        let schemas: [ValueSchema]

        init(type: String, policy: Policy, schemas: [ValueSchema]) {
            (self.type, self.policy, self.schemas) = (type, policy, schemas)
        }
    }

    private static let mostViolations = 5

    private let topic: String?
    private let ownTypes: TypeTree
    private let ownFingerprint: UInt64

    private var types: TypeTree
    private var fingerprint: UInt64
    /// Of the types of registered things.
    private var thingTypes: UInt64 = 0
    /// Rises when schemas change: states look for their rule anew.
    private var generation = 1
    private var schemas: [String: ValueSchema] = [:]
    private var policies: [String: Rule.Policy] = [:]
    /// By type, made when the first thing of it comes.
    private var rules: [String: Rule] = [:]
    private var definition: PathID?

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        ownTypes = try TypeTree(try reader.entries("types"))
        types = ownTypes
        topic = try reader.text("to")
        var hash = Fingerprint()
        hash.combine("type-schema")
        if let value = reader.value("types") { hash.combine(value) }
        (ownFingerprint, fingerprint) = (hash.value, hash.value)
    }

    // MARK: The registry

    public var rulesFingerprint: UInt64 { fingerprint }

    public func install(_ registry: RuleRegistry) -> [String] {
        var problems: [String] = []
        var hash = Fingerprint()
        hash.combine(ownFingerprint)
        (schemas, policies) = ([:], [:])
        for entry in registry.schemas.sorted(by: { $0.type < $1.type }) {
            hash.combine(entry.type)
            hash.combine(entry.policy ?? "")
            hash.combine(entry.schema?.text ?? "")
            if let policy = entry.policy.flatMap(Rule.Policy.init) { policies[entry.type] = policy }
            guard let schema = entry.schema else { continue }
            do throws(ValueSchema.Fault) { schemas[entry.type] = try ValueSchema(schema) } catch {
                problems.append("the schema of the type `\(entry.type)` is left out: \(error.place): \(error.message)")
            }
        }
        for (type, parent) in registry.parents.sorted(by: { $0.key < $1.key }) {
            hash.combine(type)
            hash.combine(parent)
        }
        types = ownTypes.merging(registry)
        // Types of registered things are no rules: the step looks at the things whose type is another one.
        if fingerprint != hash.value || thingTypes != registry.thingTypesFingerprint {
            (fingerprint, thingTypes) = (hash.value, registry.thingTypesFingerprint)
            generation += 1
            rules = [:]
        }
        return problems
    }

    /// The rule of a thing; nil where nothing is asked of it.
    private func rule(of thing: ThingID, _ twin: Twin?) -> Rule? {
        let lineage = types.lineage(of: thing, twin)
        guard let type = lineage.first else { return nil }
        let rule: Rule
        if let known = rules[type] {
            rule = known
        } else {
            rule = Rule(
                type: type, policy: lineage.lazy.compactMap { self.policies[$0] }.first ?? .accept,
                schemas: lineage.compactMap { schemas[$0] })
            // Types come from devices: what they make up must not fill the memory.
            if rules.count >= 10_000 { rules.removeAll() }
            rules[type] = rule
        }
        return rule.policy == .accept || rule.schemas.isEmpty ? nil : rule
    }

    // MARK: At work

    public func process(_ change: borrowing TwinChange, state: SchemaState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        if definition == nil { definition = change.paths.id(of: ["definition"]) }
        let redefines = redefines(change)
        if state.generation != generation || redefines { adopt(change, state) }
        guard change.twin?.isAlive != false else { return settle([], change, state, &effects) }
        guard let rule = state.rule else { return settle([], change, state, &effects) }
        guard redefines || change.isCreated || touchesFeatures(change) else { return }
        let found = violations(rule, change)
        if rule.policy == .reject, let first = found.first {
            let more = found.count > 1 ? ", and \(found.count - 1) more" : ""
            throw RecordFault(
                code: "schema",
                message: "not as the type \(rule.type) says: /features\(first.place): \(first.message)\(more)")
        }
        if !found.isEmpty { effects.countRuleError() }
        settle(found, change, state, &effects)
    }

    /// What was there before a schema was is never refused, only flagged.
    public func review(_ change: borrowing TwinChange, state: SchemaState, into effects: inout RecordEffects) {
        adopt(change, state)
        guard let rule = state.rule, change.twin?.isAlive != false else { return settle([], change, state, &effects) }
        settle(violations(rule, change), change, state, &effects)
    }

    private func adopt(_ change: borrowing TwinChange, _ state: SchemaState) {
        state.rule = rule(of: change.thing, change.twin)
        state.generation = generation
    }

    private func redefines(_ change: borrowing TwinChange) -> Bool {
        for leaf in change.leaves where leaf.path == definition && leaf.changed { return true }
        return false
    }

    private func touchesFeatures(_ change: borrowing TwinChange) -> Bool {
        for leaf in change.leaves where leaf.changed && change.paths.segments(of: leaf.path).first == "features" {
            return true
        }
        for path in change.empties where change.paths.segments(of: path).first == "features" { return true }
        return false
    }

    private func violations(_ rule: Rule, _ change: borrowing TwinChange) -> [ValueSchema.Violation] {
        let features = change.twin?.value(at: ["features"]) ?? .object(JSONObject())
        var found: [ValueSchema.Violation] = []
        for schema in rule.schemas where found.count < Self.mostViolations {
            found += schema.violations(of: features, most: Self.mostViolations - found.count)
        }
        return found
    }

    /// Tells where what is wrong with a thing is something else than before.
    private func settle(
        _ violations: [ValueSchema.Violation], _ change: borrowing TwinChange, _ state: SchemaState,
        _ effects: inout RecordEffects
    ) {
        let flags = violations.map { "\($0.place): \($0.message)" }.joined(separator: "\n")
        guard !flags.utf8.elementsEqual(state.flags.utf8) else { return }
        state.flags = flags
        guard let topic else { return }
        var object = JSONObject()
        object["thingId"] = .string(change.thing.text)
        object["type"] = state.rule.map { .string($0.type) } ?? .null
        object["event"] = .string(violations.isEmpty ? "cleared" : "flagged")
        object["violations"] = .array(
            violations.map { violation in
                var item = JSONObject()
                item["path"] = .string("/features" + violation.place)
                item["message"] = .string(violation.message)
                return .object(item)
            })
        object["revision"] = .int(change.revision)
        object["time"] = .string(change.time.text)
        if let position = effects.position(topic: change.topic, offset: change.offset) {
            object["cause"] = RuleRecords.cause(position)
        }
        var bytes: [UInt8] = []
        JSONValue.object(object).write(into: &bytes)
        // A few kilobytes at most: smaller than any broker's limit.
        do throws(RecordFault) { try effects.emit(to: topic, value: bytes) } catch { effects.countRuleError() }
    }
}
