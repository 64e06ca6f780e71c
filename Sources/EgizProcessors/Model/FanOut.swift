public import EgizCore
import EgizTwin

/// The kind `ml-fan-out`: writes what a model is asked about a thing.
///
/// The question holds the features as they are at that moment; the model is asked in a stage of its own (`ml-caller`), so that it can
/// never delay history. Nobody's record is refused because of a feature.
public final class FanOut: StatefulProcessor {
    public typealias State = FanOutState

    public static let spec = KindSpec(
        kind: "ml-fan-out",
        summary: """
            Writes a question to a model (the features of a thing, with where they come from) to `ml.input.v1.<task>`; the task stands \
            in the file or in the registry's table `ml_task`.
            """,
        input: .changes,
        output: .none,
        projections: [],
        fields: [
            KindField("task", .string, required: true, "The task's name: letters, digits, `.`, `_` and `-`.")
        ] + ModelTask.fields + [
            TwinSelector.types,
            KindField(
                "to", .topic,
                "The topic, key: the thing id; `ml.input.v1.<task>` where left out. `Schemas/ml-input.v1.schema.json`."),
            KindField(
                "alsoOn", .texts, default: "[]",
                "Paths where answers of other tasks come to the thing (their `writeTo`) that this task is to be asked on too; no others ask it."
            ),
        ],
        metrics: [
            .init("questions", "questions that were written"),
            .init("ruleErrors", "features that could not be calculated, questions that were too large"),
        ],
        messages: ["to": "ml-input.v1.schema.json"],
        example: """
            anomaly:
              kind: ml-fan-out
              from: twins
              task: nozzle-anomaly
              twins: { namespace: zonesun.*, when: features.filler.status == "running" }
              trigger: event
              features:
                - { name: volumes, path: /features/nozzles/properties/volumes }
                - { name: speed, path: features.conveyor.speed, missing: default }
                - { name: flow, path: features.filler.flow, value: raw, window: 12s, missing: default, default: [] }
                - { name: drift, path: features.filler.temperature, value: slope, samples: 50, missing: last }
              writeTo: /features/anomaly
            """,
        defaultTopics: { definition, _ in
            guard case .string(let task)? = definition.settings["task"]?.content else { return [] }
            return ["ml.input.v1.\(task)"]
        },
        checkPeers: AnswerChain.check,
        writesBack: { definition in
            (try? SettingsReader(definition).path("writeTo"))?.paths.first.map { [$0] } ?? []
        })

    public static let mayRefuse = false

    private let name: String
    private let own: ModelTask?
    private let ownTypes: TypeTree
    let topic: String
    /// Answers of other tasks that ask nevertheless.
    private let alsoOn: [[String]]
    private let ownFingerprint: UInt64

    private var task: ModelTask?
    /// Whom the task is for beside what its words say; nil: for all of them.
    private var members: RuleRegistry.Members?
    private var types: TypeTree
    private var fingerprint: UInt64
    /// Of the types of registered things.
    private var thingTypes: UInt64 = 0
    /// Rises when the task changes: states look anew whether they are its.
    private var generation = 1
    /// Where answers come to things: those of the topology, and of the registry's tasks. Two tasks whose answers asked each other would
    /// do so for ever, and every event would add to it.
    private var answers: [[String]] = []
    private var registryAnswers: [[String]] = []
    /// Places of features by the id of their path, made when the first event shows the table of paths.
    private var places: [PathID: [Int]]?
    private var definition: PathID?
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        guard let name = try reader.text("task"), ModelTask.isName(name) else {
            throw reader.fault("task", ModelTask.nameRule)
        }
        self.name = name
        ownTypes = try TypeTree(try reader.entries("types"))
        types = ownTypes
        topic = try reader.text("to") ?? "ml.input.v1.\(name)"
        alsoOn = try AnswerChain.alsoOn(reader)
        var hash = Fingerprint()
        hash.combine(name)
        if reader.has("features") {
            for field in ModelTask.fields { if let value = reader.value(field.name) { hash.combine(value) } }
            let task = try ModelTask(name: name, reader)
            if let writeTo = task.writeTo, alsoOn.contains(where: { AnswerChain.touches($0, writeTo) }) {
                throw reader.fault("alsoOn", "paths outside `writeTo`: its own answers would ask it again, for ever")
            }
            (own, self.task) = (task, task)
        } else {
            let words = ["model", "twins", "every", "writeTo"] + (alsoOn.isEmpty ? [] : ["alsoOn"])
            for word in words where reader.has(word) {
                throw reader.fault(
                    at: reader.value(word)?.mark ?? reader.mark,
                    "\(reader.path).\(word): without `features` the task comes from the registry, with all its words; remove this one, or add `features`"
                )
            }
            (own, task) = (nil, nil)
        }
        if let value = reader.value("types") { hash.combine(value) }
        (ownFingerprint, fingerprint) = (hash.value, hash.value)
    }

    // MARK: The registry

    public var rulesFingerprint: UInt64 { fingerprint }

    /// The registry's types count for every task, and its tasks for one that the file only names.
    public func install(_ registry: RuleRegistry) -> [String] {
        var hash = Fingerprint()
        hash.combine(ownFingerprint)
        var problems: [String] = []
        var next = own
        var nextMembers: RuleRegistry.Members?
        if own == nil {
            if let entry = registry.tasks.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
                hash.combine(entry.settings)
                if let members = entry.members {
                    for name in members.types.sorted() + ["/"] + members.things.sorted() { hash.combine(name) }
                }
                nextMembers = entry.members
                do throws(TopologyFaults) { next = try RegistryTask.task(entry) } catch {
                    problems.append("nobody is asked: \(error.faults.first?.message ?? "")")
                }
            } else {
                problems.append("nobody is asked: the registry has no task `\(name)` (table ml_task)")
            }
        }
        for (type, parent) in registry.parents.sorted(by: { $0.key < $1.key }) {
            hash.combine(type)
            hash.combine(parent)
        }
        types = ownTypes.merging(registry)
        registryAnswers = registry.tasks.compactMap { (try? RegistryTask.task($0))?.writeTo }
        // Types of registered things are no rules: the step looks at the things whose type is another one.
        if fingerprint != hash.value || thingTypes != registry.thingTypesFingerprint {
            (fingerprint, thingTypes) = (hash.value, registry.thingTypesFingerprint)
            generation += 1
            places = nil
        }
        (task, members) = (next, nextMembers)
        return problems
    }

    public func noteAnswers(_ paths: [[String]]) { answers = paths }

    /// A changed task asks with the next event: what is silent now has nothing new to say. Its timer is set once more: while a version
    /// of the topology was without the processor it was dropped, and the next may be due sooner than before.
    public func review(_ change: borrowing TwinChange, state: FanOutState, into effects: inout RecordEffects) {
        guard let task else { return }
        adopt(task, change.thing, change.twin, state)
        guard let timer = state.timer else { return }
        var due: EventTime?
        if task.trigger == .time, state.isMember { due = min(timer, next(task, change.streamTime)) }
        if due != timer { effects.cancelTimer(at: timer) }
        state.timer = due
        if let due { effects.setTimer(at: due) }
    }

    /// When a task by time asks next.
    private func next(_ task: ModelTask, _ streamTime: EventTime) -> EventTime {
        EventTime(microseconds: (streamTime.microseconds / task.every) * task.every).advanced(
            byMicroseconds: task.every)
    }

    private func adopt(_ task: ModelTask, _ thing: ThingID, _ twin: Twin?, _ state: FanOutState) {
        state.generation = generation
        let lineage = types.lineage(of: thing, twin)
        state.isMember = task.selector.distance(thing, lineage: lineage) != nil
        if let members, state.isMember {
            state.isMember = members.things.contains(thing.text) || lineage.contains { members.types.contains($0) }
        }
        guard state.isMember else { return state.forget() }
        let known = Set(task.features.map(\.signature))
        state.windows = state.windows.filter { known.contains($0.key) }
        state.lasts = state.lasts.filter { known.contains($0.key) }
    }

    // MARK: At work

    public func process(_ change: borrowing TwinChange, state: FanOutState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        guard let task else { return }
        if definition == nil { definition = change.paths.id(of: ["definition"]) }
        if state.generation != generation || redefines(change) { adopt(task, change.thing, change.twin, state) }
        guard state.isMember else { return }
        guard change.twin?.isAlive != false else { return state.forget() }
        let places = places(of: task, change.paths)
        var hasChanged = false
        // A device may say any time: ahead of the log it would push all others out of the window.
        let time = min(change.time, change.streamTime)
        var isAnswerOnly = !change.leaves.isEmpty && knowsAnswers(task)
        for leaf in change.leaves {
            if isAnswerOnly { isAnswerOnly = isAnswer(change.paths.segments(of: leaf.path), task) }
            guard let features = places[leaf.path] else { continue }
            hasChanged = hasChanged || leaf.changed
            for place in features { take(leaf.value, task.features[place], time, state, &effects) }
        }
        if isAnswerOnly { return }
        switch task.trigger {
        case .event: ask(task, ThingView(change), change.streamTime, change.topic, change.offset, state, &effects)
        case .change:
            guard hasChanged else { return }
            ask(task, ThingView(change), change.streamTime, change.topic, change.offset, state, &effects)
        case .time:
            (state.topic, state.offset) = (change.topic, change.offset)
            guard state.timer == nil else { return }
            let due = next(task, change.streamTime)
            state.timer = due
            effects.setTimer(at: due)
        }
    }

    private func knowsAnswers(_ task: ModelTask) -> Bool {
        task.writeTo != nil || !answers.isEmpty || !registryAnswers.isEmpty
    }

    /// Whether what a model said stands there, of this task or of another one.
    private func isAnswer(_ path: [String], _ task: ModelTask) -> Bool {
        if let writeTo = task.writeTo, ModelTask.isBelow(writeTo, path) { return true }
        func isThere(_ answer: [String]) -> Bool { ModelTask.isBelow(answer, path) }
        guard answers.contains(where: isThere) || registryAnswers.contains(where: isThere) else { return false }
        return !alsoOn.contains { ModelTask.isBelow($0, path) }
    }

    private func redefines(_ change: borrowing TwinChange) -> Bool {
        for leaf in change.leaves where leaf.path == definition && leaf.changed { return true }
        return false
    }

    private func places(of task: ModelTask, _ paths: PathTable) -> [PathID: [Int]] {
        if let places { return places }
        var made: [PathID: [Int]] = [:]
        for (place, feature) in task.features.enumerated() {
            made[paths.id(of: feature.path), default: []].append(place)
        }
        places = made
        return made
    }

    private func take(
        _ leaf: LeafValue, _ feature: Feature, _ time: EventTime, _ state: FanOutState, _ effects: inout RecordEffects
    ) {
        guard let aggregate = feature.aggregate else { return }
        guard leaf != .absent else {
            state.windows[feature.signature] = nil
            return
        }
        let value: JSONValue
        switch aggregate {
        case .count: value = .int(1)
        case .raw:
            // A window is part of the thing's state: what is large does not belong there.
            guard FeatureWindow.fits(leaf), let whole = JSONValue(leaf: leaf, parser) else {
                return effects.countRuleError()
            }
            value = whole
        case .mean, .min, .max, .std, .slope:
            // Nothing that can be calculated with.
            guard let number = JSONValue(leaf: leaf, parser), number.number != nil else {
                return effects.countRuleError()
            }
            value = number
        }
        state.windows[feature.signature, default: FeatureWindow()].add(
            value, at: time.microseconds, length: feature.length, most: feature.most)
    }

    public func tick(_ tick: TimerTick, state: FanOutState, into effects: inout RecordEffects) {
        guard let timer = state.timer, timer <= tick.due else { return }
        state.timer = nil
        guard let task, task.trigger == .time else { return }
        if state.generation != generation { adopt(task, tick.thing, tick.twin, state) }
        guard state.isMember, tick.twin?.isAlive != false, state.offset >= 0 else { return }
        ask(task, ThingView(tick), tick.streamTime, state.topic, state.offset, state, &effects)
    }
}
