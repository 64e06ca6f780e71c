public import EgizCore
public import EgizTwin

/// The kind `binding-evaluator`: sets properties of the objects of a thing's 3D model from its values.
///
/// A value is written, and told, only when it changes. A binding that fails on a value sets its default and is counted: nobody's
/// record is refused because of a colour.
public final class BindingEvaluator: StatefulProcessor {
    public typealias State = SceneState

    public static let spec = KindSpec(
        kind: "binding-evaluator",
        summary: """
            Sets properties of the objects of a thing's 3D model (colour, text, position …) from its values, in the projection \
            `scene`; bindings stand in the file and in the registry's table `data_bindings_3d`.
            """,
        input: .changes,
        output: .none,
        projections: ["scene"],
        fields: [
            .init("bindings", .list(noun: "a binding", Binding.fields), default: "[]", "The bindings of the file."),
            .init(
                "registry", .bool, default: "true",
                "Also the bindings of `data_bindings_3d`; a change of them is in force within 2 s, for silent things too."
            ),
            TwinSelector.types,
            .init(
                "model", .model, "The model; `egiz topology validate` checks that every `objectName` is a node of it."),
            .init(
                "to", .topic, default: "framework.notifications.v1.binding",
                "A topic for changed values, key: the thing id; `Schemas/binding.v1.schema.json`."),
        ],
        metrics: [
            .init("bindings", "values of the scene that changed"),
            .init("ruleErrors", "values on which a binding failed; its default is shown"),
        ],
        messages: ["to": "binding.v1.schema.json"],
        example: """
            scene:
              kind: binding-evaluator
              from: twins
              bindings:
                - objectName: Tank
                  target: color
                  path: features.filler.temperature
                  range: { in: [20, 90], out: ["#0000ff", "#ff0000"] }
                  default: gray
                - { objectName: Label, target: text, path: features.filler.temperature, format: "{value:.1}", unit: °C }
                - objectName: Lamp
                  target: emissive
                  path: features.filler.level
                  steps: [{ from: 0, value: green }, { from: 80, value: orange }, { from: 95, value: red }]
                  hysteresis: 2
                - { objectName: Door, target: visibility, expression: not features.filler.open }
            """)

    public static let mayRefuse = false

    private let own: [Binding]
    private let usesRegistry: Bool
    private let ownTypes: TypeTree
    private let topic: String?
    private let ownFingerprint: UInt64

    private var rules: [Binding] {
        didSet { places = RulePlaces(rules.map(\.selector)) }
    }
    /// Which of them may be for a thing.
    private var places: RulePlaces
    private var types: TypeTree
    private var fingerprint: UInt64
    /// Of the types of registered things.
    private var thingTypes: UInt64 = 0
    /// Rises when rules change: states look for their set anew.
    private var generation = 1
    /// By the numbers of their rules.
    private var sets: [[Int]: BindingSet] = [:]
    private var hits: [Int] = []
    private var definition: PathID?

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        var bindings: [Binding] = []
        for entry in try reader.entries("bindings") { bindings.append(try Binding(entry)) }
        own = bindings
        ownTypes = try TypeTree(try reader.entries("types"))
        usesRegistry = reader.has("registry") ? try reader.bool("registry") : true
        topic = try reader.text("to")
        var hash = Fingerprint()
        for word in ["bindings", "types"] { if let value = reader.value(word) { hash.combine(value) } }
        ownFingerprint = hash.value
        (rules, places, types, fingerprint) = (own, RulePlaces(own.map(\.selector)), ownTypes, hash.value)
    }

    // MARK: Rules

    public var rulesFingerprint: UInt64 { fingerprint }

    public func install(_ registry: RuleRegistry) -> [String] {
        guard usesRegistry else { return [] }
        var problems: [String] = []
        var hash = Fingerprint()
        hash.combine(ownFingerprint)
        var all = own
        for entry in registry.bindings {
            do throws(TopologyFaults) {
                all.append(try Binding(RegistryBinding.settings(entry)))
                hash.combine(entry.type ?? "")
                hash.combine(entry.thing ?? "")
                hash.combine(entry.settings)
            } catch {
                problems.append("binding \(entry.id) of the registry is left out: \(error.faults.first?.message ?? "")")
            }
        }
        rules = all
        for (type, parent) in registry.parents.sorted(by: { $0.key < $1.key }) {
            hash.combine(type)
            hash.combine(parent)
        }
        types = ownTypes.merging(registry)
        // Types of registered things are no rules: the step looks at the things whose type is another one.
        if fingerprint != hash.value || thingTypes != registry.thingTypesFingerprint {
            (fingerprint, thingTypes) = (hash.value, registry.thingTypesFingerprint)
            generation += 1
            sets = [:]
        }
        return problems
    }

    /// The bindings of a thing: of several for one property the nearest counts, and of equally near ones the last.
    private func set(of thing: ThingID, _ twin: Twin?) -> BindingSet {
        let lineage = types.lineage(of: thing, twin)
        var chosen: [(number: Int, distance: Int)] = []
        for number in places.of(thing) {
            let rule = rules[number]
            guard let distance = rule.selector.distance(thing, lineage: lineage) else { continue }
            if let place = chosen.firstIndex(where: { isSame(rules[$0.number], rule) }) {
                if distance <= chosen[place].distance { chosen[place] = (number, distance) }
            } else {
                chosen.append((number, distance))
            }
        }
        let key = chosen.map(\.number)
        if let known = sets[key] { return known }
        // Where every thing has bindings of its own a set is one thing's; its state keeps it.
        if sets.count >= 10_000 { sets.removeAll() }
        let made = BindingSet(key.map { rules[$0] })
        sets[key] = made
        return made
    }

    private func isSame(_ a: Binding, _ b: Binding) -> Bool {
        a.object.utf8.elementsEqual(b.object.utf8) && a.target.name.utf8.elementsEqual(b.target.name.utf8)
    }

    // MARK: At work

    public func process(_ change: borrowing TwinChange, state: SceneState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        if definition == nil { definition = change.paths.id(of: ["definition"]) }
        if state.generation != generation { adopt(change, state, &effects) }
        if change.isCreated || change.twin?.isAlive == false || redefines(change) {
            return all(change, state, &effects)
        }
        guard let set = state.set, !set.bindings.isEmpty else { return }
        if !hits.isEmpty { hits.removeAll(keepingCapacity: true) }
        // By their places: a leaf that is handed out counts the references of its value.
        for index in change.leaves.indices where change.leaves[index].changed {
            hit(change.leaves[index].path, change.paths, set)
        }
        for path in change.empties { hit(path, change.paths, set) }
        for rule in set.always where !hits.contains(rule) { hits.append(rule) }
        guard !hits.isEmpty else { return }
        let view = ThingView(change)
        let cause = (change.topic, change.offset)
        for rule in hits { evaluate(rule, set, view, cause, state, &effects) }
    }

    @inline(__always)
    private func hit(_ path: PathID, _ paths: PathTable, _ set: BindingSet) {
        let place = set.index.find(path, in: paths)
        guard place >= 0 else { return }
        for rule in set.index.rules(at: place) where !hits.contains(rule) { hits.append(rule) }
    }

    private func redefines(_ change: borrowing TwinChange) -> Bool {
        guard let definition else { return false }
        for index in change.leaves.indices where change.leaves[index].path == definition {
            if change.leaves[index].changed { return true }
        }
        return false
    }

    public func review(_ change: borrowing TwinChange, state: SceneState, into effects: inout RecordEffects) {
        all(change, state, &effects)
    }

    /// Finds the thing's bindings anew and evaluates all of them.
    private func all(_ change: borrowing TwinChange, _ state: SceneState, _ effects: inout RecordEffects) {
        adopt(change, state, &effects)
        guard let set = state.set else { return }
        let view = ThingView(change)
        let cause = (change.topic, change.offset)
        for rule in set.bindings.indices { evaluate(rule, set, view, cause, state, &effects) }
    }

    /// Finds the thing's bindings. What they have set stays as it is until a value changes, so that a thing that comes back into
    /// the cache is evaluated no more often than one that stayed; what is gone is not set any more.
    private func adopt(_ change: borrowing TwinChange, _ state: SceneState, _ effects: inout RecordEffects) {
        let before = state.gone.count
        state.adopt(set(of: change.thing, change.twin), generation: generation)
        guard state.gone.count > before else { return }
        let view = ThingView(change)
        for index in state.gone.indices.dropFirst(before) {
            state.gone[index].value = nil
            note(&state.gone[index], view, (change.topic, change.offset), &effects)
        }
    }

    private func evaluate(
        _ rule: Int, _ set: BindingSet, _ view: ThingView, _ cause: (topic: Int, offset: Int64), _ state: SceneState,
        _ effects: inout RecordEffects
    ) {
        let outcome = set.bindings[rule].evaluate(view, step: &state.entries[rule].step)
        if outcome.isFailed { effects.countRuleError() }
        guard state.entries[rule].value != outcome.value else { return }
        state.entries[rule].value = outcome.value
        note(&state.entries[rule], view, cause, &effects)
    }

    /// A value has changed: the epoch writes its row, and a record tells it.
    private func note(
        _ entry: inout SceneState.Entry, _ view: ThingView, _ cause: (topic: Int, offset: Int64),
        _ effects: inout RecordEffects
    ) {
        entry.isDirty = true
        (entry.revision, entry.time, entry.topic, entry.offset) = (view.revision, view.time, cause.topic, cause.offset)
        effects.countBinding()
        guard let topic else { return }
        var text = JSONObjectText()
        text.open()
        text.member("thingId", view.thing.text)
        text.member("objectName", entry.object)
        text.member("target", entry.target)
        text.member("value", entry.value?.json ?? .null)
        text.member("revision", view.revision)
        text.member("time", view.time)
        if let position = effects.position(topic: cause.topic, offset: cause.offset) {
            RuleRecords.cause(position, into: &text)
        }
        text.close()
        // A few kilobytes at most: smaller than any broker's limit.
        do throws(RecordFault) { try effects.emit(to: topic, value: text.bytes) } catch { effects.countRuleError() }
    }

    public func project(_ thing: ThingID, state: SceneState, into rows: inout ProjectionRows) {
        func row(_ entry: SceneState.Entry) -> SceneRow {
            SceneRow(
                home: rows.home, processor: rows.processor, thing: thing, object: entry.object, target: entry.target,
                value: entry.value?.json.text, revision: entry.revision, time: entry.time,
                cause: rows.position(topic: entry.topic, offset: entry.offset))
        }
        // A binding may have gone and come again within the epoch: the present one has the last word.
        for entry in state.gone
        where !state.entries.contains(where: { $0.isDirty && $0.isSame(as: entry) }) {
            rows.upsert(row(entry))
        }
        state.gone.removeAll()
        for index in state.entries.indices where state.entries[index].isDirty {
            state.entries[index].isDirty = false
            rows.upsert(row(state.entries[index]))
        }
    }
}
