public import EgizCore
import EgizTwin

/// The kind `map`: what events wrote, with other paths, other values and less of it, as telemetry records of a topic.
///
/// It writes to a topic instead of feeding processors of its own stage, because everything behind a projector speaks of one
/// thing at one revision: history, twin and rules of a stage agree on its paths. What is mapped is another thing's telemetry, and
/// another stage makes a twin of it.
public final class PathMap: StatelessProcessor {
    public static let spec = KindSpec(
        kind: "map",
        summary: """
            Writes what each event wrote to a topic as a telemetry record, with paths kept, dropped, renamed and computed. \
            Another source with `format: telemetry` makes things of it.
            """,
        input: .changes,
        output: .none,
        projections: [],
        fields: [
            .init("to", .topic, required: true, "The topic of the telemetry records."),
            .init(
                "thing", .template(allowsValue: false), default: #""{thingId}""#,
                "The thing that the records are about, from `thingId`, `namespace` and `name` alone. A thing belongs to one stage: where a stage of this deployment reads the records, give them another namespace, such as `\"mapped:{name}\"`."
            ),
            .init(
                "keep", .globs, default: #"["/features/*/properties/**"]"#,
                "Paths that are carried over as they are. Telemetry has properties of features only, others are left out."
            ),
            .init("drop", .globs, default: "[]", "Paths that are not carried over, although `keep` names them."),
            .init(
                "onlyChanges", .bool, default: "false",
                "Only what differs from the value before; an event that changes nothing writes no record."),
            .init(
                "rename", .list(noun: "a renaming", PathMove.fields), "Paths that are carried over under another name."),
            .init(
                "compute", .list(noun: "a computation", PathComputation.fields),
                "Values that are computed, whenever an event wrote something that they read."),
        ],
        metrics: [
            .init("emitted", "records to Kafka, of all processors of the task"),
            .init("ruleErrors", "values on which a computation failed; they are left out"),
        ],
        messages: ["to": "telemetry.v1.schema.json"],
        example: """
            fahrenheit:
              kind: map
              from: twins
              to: machines.us.v1
              thing: "us:{name}"
              keep: ["/features/filler/properties/status"]
              rename: [{ from: features.filler.level, to: features.tank.level }]
              compute:
                - { path: features.filler.temperature, value: features.filler.temperature * 9 / 5 + 32 }
            """)

    private let topic: String
    private let target: TextTemplate
    private let onlyChanges: Bool
    private var routes: PathRoutes
    private let computations: [PathComputation]
    private var readers: PathIndex
    /// Computations that read what changes with every event.
    private let always: [Int]
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        topic = try reader.required("to")
        guard let template = try reader.template("thing") else { throw reader.fault("thing", "a text") }
        let inputs = template.expressions.flatMap(\.inputs)
        guard inputs.allSatisfy({ [.thingID, .namespace, .name].contains($0) }) else {
            throw reader.fault(
                "thing", "a text with `thingId`, `namespace` and `name` only: the records of one thing stay together")
        }
        target = template
        onlyChanges = try reader.bool("onlyChanges")
        var moves: [PathMove] = []
        for entry in try reader.entries("rename") { moves.append(try PathMove(entry)) }
        var computations: [PathComputation] = []
        for entry in try reader.entries("compute") { computations.append(try PathComputation(entry)) }
        try TelemetryTarget.checkDistinct(moves.map(\.target) + computations.map(\.target), reader)
        routes = PathRoutes(
            choice: PathChoice(include: try reader.patterns("keep"), exclude: try reader.patterns("drop")),
            moves: moves, computed: computations.map(\.target.path))
        self.computations = computations
        readers = PathIndex(
            computations.enumerated().flatMap { place, one in one.value.paths.map { (path: $0, rule: place) } })
        always = computations.indices.filter { place in
            let inputs = computations[place].value.inputs
            return inputs.contains(where: \.changesAlways) || computations[place].value.paths.isEmpty
        }
    }

    public func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        var patch = TelemetryPatch()
        var due: Set<Int> = []
        for leaf in change.leaves where !onlyChanges || leaf.changed {
            if let path = routes.route(leaf.path, in: change.paths) { patch.write(leaf.value.json(parser), at: path) }
            guard !readers.isEmpty else { continue }
            let place = readers.find(leaf.path, in: change.paths)
            if place >= 0 { due.formUnion(readers.rules(at: place)) }
        }
        guard !patch.isEmpty || !due.isEmpty || (!always.isEmpty && !change.leaves.isEmpty && !onlyChanges) else {
            return
        }
        due.formUnion(always)
        let view = ThingView(change)
        for place in due.sorted() { compute(computations[place], view, &patch, &effects) }
        guard !patch.isEmpty else { return }
        try emit(patch, view, change.time, &effects)
    }

    private func compute(
        _ computation: PathComputation, _ view: ThingView, _ patch: inout TelemetryPatch,
        _ effects: inout RecordEffects
    ) {
        switch view.evaluate(computation.value) {
        case .number(let number): patch.write(Self.json(number), at: computation.target.path)
        case .boolean(let flag): patch.write(.bool(flag), at: computation.target.path)
        case .text(let text): patch.write(.string(text), at: computation.target.path)
        // What it was computed from is gone.
        case .missing, .null: patch.write(nil, at: computation.target.path)
        case .failed, .compound: effects.countRuleError()
        }
    }

    /// Whole numbers without a fraction that says nothing.
    private static func json(_ number: Double) -> JSONValue {
        number.magnitude < 1e15 && Double(Int64(number)) == number ? .int(Int64(number)) : .double(number)
    }

    private func emit(
        _ patch: TelemetryPatch, _ view: ThingView, _ time: EventTime, _ effects: inout RecordEffects
    ) throws(RecordFault) {
        let name = view.text(target)
        let thing: ThingID
        do throws(ThingIDError) { thing = try ThingID(validating: name) } catch {
            throw RecordFault(
                code: "thing-id", message: "`thing` makes \"\(name.prefix(100))\" of \(view.thing): \(error.message)")
        }
        var object = JSONObject()
        object["thingId"] = .string(thing.text)
        object["timestamp"] = .string(time.text)
        object["features"] = .object(patch.features)
        var bytes: [UInt8] = []
        JSONValue.object(object).write(into: &bytes)
        try effects.emit(to: topic, key: Array(thing.text.utf8), value: bytes)
    }
}
