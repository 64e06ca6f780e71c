public import EgizCore
import EgizTwin

/// The kind `export`: the samples that a history writer would keep, as records of a topic.
public final class Export: StatelessProcessor {
    public static let spec = KindSpec(
        kind: "export",
        summary: """
            Writes every sample of the paths it is for to a topic, one record each: what a `history-writer` keeps, for readers \
            outside. The key is the thing, so a thing's samples stay in order.
            """,
        input: .changes,
        output: .none,
        projections: [],
        fields: [
            .init(
                "to", .topic, required: true,
                "The topic, such as `history.timeseries.v1.filler`: one for each type of things."),
            .init(
                "include", .globs, default: #"["/attributes/**", "/features/**"]"#,
                "Paths that are exported; `*` stands for one segment, `**` for any number of them."),
            .init("exclude", .globs, default: "[]", "Paths that are not exported, although `include` names them."),
            .init(
                "onlyChanges", .bool, default: "false",
                "Only samples whose value differs from the one before."),
        ],
        metrics: [.init("emitted", "records to Kafka, of all processors of the task")],
        messages: ["to": "timeseries.v1.schema.json"],
        example: """
            export: { kind: export, from: twins, include: ["/features/*/properties/**"], onlyChanges: true, to: history.timeseries.v1.filler }
            """)

    private let topic: String
    private var choice: PathChoice
    private let onlyChanges: Bool
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        topic = try reader.required("to")
        choice = PathChoice(include: try reader.patterns("include"), exclude: try reader.patterns("exclude"))
        onlyChanges = try reader.bool("onlyChanges")
    }

    public func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves where !onlyChanges || leaf.changed {
            guard choice.takes(leaf.path, in: change.paths) else { continue }
            var object = JSONObject()
            object["thingId"] = .string(change.thing.text)
            object["path"] = .string(change.paths.text(of: leaf.path))
            object["time"] = .string(change.time.text)
            object["revision"] = .int(change.revision)
            object["kind"] = .string(leaf.value.kind.rawValue)
            object["value"] = leaf.value.json(parser)
            var bytes: [UInt8] = []
            JSONValue.object(object).write(into: &bytes)
            try effects.emit(to: topic, value: bytes)
        }
    }
}
