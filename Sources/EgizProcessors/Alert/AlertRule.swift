public import EgizCore
public import EgizTwin

/// The kind `alert-rule`: raises, updates and clears alerts of things by conditions over their values, and by their silence.
///
/// Rules are evaluated where a path that they read has changed; durations and silence are stream time, kept as timers in the
/// database, so that an alert is raised after a crash as if there had been none.
public final class AlertRule: StatefulProcessor {
    public typealias State = AlertState

    public static let spec = KindSpec(
        kind: "alert-rule",
        summary: """
            Raises an alert of a thing when a condition over its values holds for a while, or when nothing comes of it; the alerts \
            with their life (raised, updated, acknowledged, cleared) are the projection `alert`.
            """,
        input: .changes,
        output: .none,
        projections: ["alert/{name}"],
        fields: [
            .init("rules", .list(noun: "a rule", AlertCondition.fields), default: "[]", "The rules of the file."),
            .init(
                "registry", .bool, default: "true",
                "Also the rules that types of the registry declare; a change of them is in force within 2 s, for silent things too. Say false in all but one processor of a source, or each raises them."
            ),
            TwinSelector.types,
            .init(
                "to", .topic, default: "framework.notifications.v1.alert",
                "A topic for every step in an alert's life, key: the thing id; `Schemas/alert.v1.schema.json`."),
        ],
        metrics: [
            .init("alerts", "alerts that were raised"),
            .init("ruleErrors", "values on which a condition failed; the alert stays as it is"),
            .init("messages", "acknowledgements and clearings by people"),
        ],
        messages: ["to": "alert.v1.schema.json"],
        example: """
            alerts:
              kind: alert-rule
              from: twins
              rules:
                - name: warm
                  key: heat
                  when: features.filler.temperature > 70
                  margin: 3
                  for: 10s
                  message: "{name} is at {features.filler.temperature:.1} °C"
                - name: hot
                  key: heat
                  when: features.filler.temperature > 85 and features.filler.status == "running"
                  clear: features.filler.temperature < 80
                  severity: critical
                  message: "{name} is at {features.filler.temperature:.1} °C and runs"
                - { name: silent, noData: 30s, severity: error, message: "nothing has come from {name} for 30 s" }
            """)

    public static let mayRefuse = false

    private let own: [AlertCondition]
    private let usesRegistry: Bool
    /// Those of the file, then those of the registry.
    private var rules: [AlertCondition] {
        didSet { places = RulePlaces(rules.map(\.selector)) }
    }
    private var places: RulePlaces
    private let types: TypeTree
    private var lineages: TypeTree
    let topic: String?
    private let ownFingerprint: UInt64
    private var fingerprint: UInt64
    /// Of the types of registered things.
    private var thingTypes: UInt64 = 0
    private var generation = 1
    /// By the numbers of their rules.
    private var sets: [[Int]: AlertSet] = [:]
    /// Of the event under way: rules whose condition it may change, and rules that wait for such data.
    private var hits: [Int] = []
    private var data: [Int] = []
    private var definition: PathID?

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        var rules: [AlertCondition] = []
        for entry in try reader.entries("rules") {
            let rule = try AlertCondition(entry)
            if rules.contains(where: { $0.name.utf8.elementsEqual(rule.name.utf8) }) {
                throw entry.fault("name", "another name: a rule before has this one")
            }
            rules.append(rule)
        }
        usesRegistry = reader.has("registry") ? try reader.bool("registry") : true
        guard !rules.isEmpty || usesRegistry else {
            throw reader.fault("rules", "at least one rule, or `registry: true`")
        }
        (own, self.rules, places) = (rules, rules, RulePlaces(rules.map(\.selector)))
        types = try TypeTree(try reader.entries("types"))
        lineages = types
        topic = try reader.text("to")
        var hash = Fingerprint()
        for word in ["rules", "types"] { if let value = reader.value(word) { hash.combine(value) } }
        ownFingerprint = hash.value
        fingerprint = hash.value
    }

    public var rulesFingerprint: UInt64 { fingerprint }
    public var receivesMessages: Bool { true }

    /// Of the registry count the types, and the rules that they declare.
    public func install(_ registry: RuleRegistry) -> [String] {
        var problems: [String] = []
        var hash = Fingerprint()
        hash.combine(ownFingerprint)
        var all = own
        for entry in usesRegistry ? registry.alertRules : [] {
            do throws(TopologyFaults) {
                all.append(try RegistryAlertRule.condition(entry))
                hash.combine(entry.type)
                hash.combine(entry.settings)
            } catch {
                problems.append("an alert rule of the registry is left out: \(error.faults.first?.message ?? "")")
            }
        }
        rules = all
        for (type, parent) in registry.parents.sorted(by: { $0.key < $1.key }) {
            hash.combine(type)
            hash.combine(parent)
        }
        lineages = types.merging(registry)
        // Types of registered things are no rules: the step looks at the things whose type is another one.
        if fingerprint != hash.value || thingTypes != registry.thingTypesFingerprint {
            (fingerprint, thingTypes) = (hash.value, registry.thingTypesFingerprint)
            generation += 1
            sets = [:]
        }
        return problems
    }

    /// The rules of a thing: of several of one name the nearest counts, and of equally near ones the last, which is the registry's.
    private func set(of thing: ThingID, _ twin: Twin?) -> AlertSet {
        let lineage = lineages.lineage(of: thing, twin)
        var chosen: [(number: Int, distance: Int)] = []
        for number in places.of(thing) {
            guard let distance = rules[number].selector.distance(thing, lineage: lineage) else { continue }
            let name = rules[number].name
            if let place = chosen.firstIndex(where: { rules[$0.number].name.utf8.elementsEqual(name.utf8) }) {
                if distance <= chosen[place].distance { chosen[place] = (number, distance) }
            } else {
                chosen.append((number, distance))
            }
        }
        let key = chosen.map(\.number)
        if let known = sets[key] { return known }
        let made = AlertSet(key.map { rules[$0] })
        // Where each thing has rules of its own, there are as many sets as things.
        if sets.count >= 10_000 { sets.removeAll() }
        sets[key] = made
        return made
    }

    // MARK: At work

    public func process(_ change: borrowing TwinChange, state: AlertState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        if definition == nil { definition = change.paths.id(of: ["definition"]) }
        let redefines = redefines(change)
        if state.generation != generation || redefines { adopt(change, state, &effects) }
        guard let set = state.set, !set.rules.isEmpty else { return }
        if !hits.isEmpty { hits.removeAll(keepingCapacity: true) }
        if !data.isEmpty { data.removeAll(keepingCapacity: true) }
        let waits = !set.data.isEmpty
        // By their places: a leaf that is handed out counts the references of its value.
        for index in change.leaves.indices {
            let path = change.leaves[index].path
            if change.leaves[index].changed { hit(path, change.paths, set) }
            guard waits, change.leaves[index].value != .absent else { continue }
            let place = set.data.find(path, in: change.paths)
            guard place >= 0 else { continue }
            for rule in set.data.rules(at: place) where !data.contains(rule) { data.append(rule) }
        }
        for path in change.empties { hit(path, change.paths, set) }
        if !set.anyData.isEmpty { data.append(contentsOf: set.anyData) }
        for rule in set.always where !hits.contains(rule) { hits.append(rule) }
        if change.isCreated || redefines || change.twin?.isAlive == false {
            for rule in set.rules.indices where !hits.contains(rule) && !data.contains(rule) { hits.append(rule) }
        }
        guard !hits.isEmpty || !data.isEmpty else { return }
        var work = AlertWork(self, change, state)
        for rule in hits { work.evaluate(rule, isData: false, &effects) }
        for rule in data { work.evaluate(rule, isData: true, &effects) }
    }

    @inline(__always)
    private func hit(_ path: PathID, _ paths: PathTable, _ set: AlertSet) {
        let place = set.conditions.find(path, in: paths)
        guard place >= 0 else { return }
        for rule in set.conditions.rules(at: place) where !hits.contains(rule) { hits.append(rule) }
    }

    private func redefines(_ change: borrowing TwinChange) -> Bool {
        guard let definition else { return false }
        for index in change.leaves.indices where change.leaves[index].path == definition {
            if change.leaves[index].changed { return true }
        }
        return false
    }

    public func review(_ change: borrowing TwinChange, state: AlertState, into effects: inout RecordEffects) {
        adopt(change, state, &effects)
        var work = AlertWork(self, change, state)
        for rule in state.rules.indices {
            work.evaluate(rule, isData: false, &effects)
            work.setTimer(of: rule, &effects)
        }
    }

    /// Finds the thing's rules. Alerts of rules that are gone end.
    private func adopt(_ change: borrowing TwinChange, _ state: AlertState, _ effects: inout RecordEffects) {
        let gone = state.adopt(set(of: change.thing, change.twin), generation: generation)
        guard !gone.isEmpty else { return }
        var work = AlertWork(self, change, state)
        for rule in gone { work.settle(rule.key, &effects) }
    }

    public func tick(_ tick: TimerTick, state: AlertState, into effects: inout RecordEffects) {
        if state.generation != generation {
            let gone = state.adopt(set(of: tick.thing, tick.twin), generation: generation)
            var work = AlertWork(self, tick, state)
            for rule in gone { work.settle(rule.key, &effects) }
        }
        var work = AlertWork(self, tick, state)
        for rule in state.rules.indices { work.tick(rule, tick, &effects) }
    }

    public func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, state: AlertState, into effects: inout RecordEffects
    ) {
        var work = AlertWork(self, change, state)
        switch message.action {
        case "acknowledge": work.acknowledge(message, &effects)
        case "clear": work.clear(message, &effects)
        default: effects.countRuleError()
        }
    }

    public func project(_ thing: ThingID, state: AlertState, into rows: inout ProjectionRows) {
        func row(_ alert: AlertState.Alert) -> AlertRow {
            AlertRow(
                home: rows.home, processor: rows.processor, thing: thing, key: alert.key, rule: alert.rule,
                severity: alert.severity, state: alert.state, message: alert.message, raisedAt: alert.raisedAt,
                updatedAt: alert.updatedAt, acknowledgedAt: alert.acknowledgedAt, acknowledgedBy: alert.acknowledgedBy,
                clearedAt: alert.clearedAt, revision: alert.revision,
                cause: rows.position(topic: alert.topic, offset: alert.offset))
        }
        // Raised, cleared and raised again at one moment is one row: the last has the word.
        for (index, alert) in state.cleared.enumerated() {
            let isLast = !state.cleared[(index + 1)...].contains {
                $0.key == alert.key && $0.raisedAt == alert.raisedAt
            }
            let isOver = !state.alerts.contains { $0.key == alert.key && $0.raisedAt == alert.raisedAt }
            if isLast, isOver { rows.upsert(row(alert)) }
        }
        state.cleared.removeAll()
        for index in state.alerts.indices where state.alerts[index].isDirty {
            state.alerts[index].isDirty = false
            rows.upsert(row(state.alerts[index]))
        }
    }
}
