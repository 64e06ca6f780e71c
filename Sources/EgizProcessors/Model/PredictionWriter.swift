public import EgizCore
public import EgizTwin

/// The kind `prediction-writer`: keeps what models say of things, and gives it back to the things.
public final class PredictionWriter: StatefulProcessor, RecordProcessor {
    public typealias State = AnswerMemory

    public static let spec = KindSpec(
        kind: "prediction-writer",
        summary: """
            Keeps the last answer of each model about each thing in the projection `ml_prediction`, and writes it back to the thing where \
            `write` says so, so that alert rules and bindings can read it.
            """,
        input: .records,
        output: .none,
        projections: ["ml_prediction"],
        fields: [
            .init(
                "write", .list(noun: "a task", WriteBack.fields), default: "[]",
                "Which answers are written back, and where.")
        ],
        metrics: [.init("predictions", "answers that were kept")],
        messages: ["write.to": "write-back.v1.schema.json", "to": "ditto-command.v1.schema.json"],
        example: """
            predictions:
              kind: prediction-writer
              from: answers
              write:
                - { task: nozzle-anomaly, writeTo: /features/anomaly, to: machines.telemetry.v1 }
                - { task: wear, writeTo: features.drive.wear, as: ditto }
            """,
        defaultTopics: { definition, _ in PredictionWriter.commandTopics(definition) },
        checkPeers: checkFanOuts, writesBack: { definition in PredictionWriter.writes(of: definition).map(\.path) })

    /// Where commands go whose entry names no topic.
    private static func commandTopics(_ definition: ProcessorDefinition) -> [String] {
        writes(of: definition).contains { $0.usesDefaultTopic } ? [WriteBack.commandTopic] : []
    }

    /// What a writer writes back; nothing where its settings are at fault.
    static func writes(of definition: ProcessorDefinition) -> [WriteBack] {
        (try? PredictionWriter(definition))?.writes ?? []
    }

    public static let mayRefuse = false

    private let writes: [WriteBack]

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        var writes: [WriteBack] = []
        for entry in try reader.entries("write") {
            let write = try WriteBack(entry)
            if writes.contains(where: { $0.task == write.task }) {
                throw entry.fault("task", "another task: an entry before is for this one")
            }
            writes.append(write)
        }
        self.writes = writes
    }

    /// What is written back must not ask its own task again: the fan-out has to know the path.
    private static func checkFanOuts(_ definition: ProcessorDefinition, _ others: [ProcessorDefinition])
        -> [TopologyFault]
    {
        guard let writer = try? PredictionWriter(definition) else { return [] }
        var faults: [TopologyFault] = []
        for other in others where other.kind == FanOut.spec.kind {
            let reader = SettingsReader(other)
            guard let task = try? reader.text("task"), reader.has("features"),
                let write = writer.writes.first(where: { $0.task == task })
            else { continue }
            let known = (try? reader.path("writeTo"))?.paths.first
            guard known.map({ ModelTask.isBelow($0, write.path) }) != true else { continue }
            faults.append(
                TopologyFault(
                    at: reader.value("writeTo")?.mark ?? other.mark,
                    "`processors.\(other.name)`: `\(definition.name)` writes the answers of the task `\(task)` to /\(write.path.joined(separator: "/")), so they would ask the model again; say `writeTo` of that path here too"
                ))
        }
        return faults
    }

    /// The answers of one partition have one memory. No thing of a twin has such a name: its stage makes none.
    public func subject(of position: InputPosition) -> ThingID? {
        try? ThingID(validating: "answers:\(position.topic)-\(position.partition)")
    }

    public func process(_ change: borrowing TwinChange, state: AnswerMemory, into effects: inout RecordEffects)
        throws(RecordFault)
    {}

    public func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault) {
        try process(record, memory: nil, into: &effects)
    }

    public func process(_ record: InputRecord, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        let row = try Self.row(record)
        effects.upsert(row)
        // Nobody acts on a shadow. What is older than what the thing was told before is no news to it.
        guard !row.key.isShadow, (memory as? AnswerMemory)?.isNews(row) ?? true, row.error == nil,
            let write = writes.first(where: { $0.task.utf8.elementsEqual(row.key.task.utf8) })
        else { return }
        let id = record.value.object?["id"]?.string ?? "\(record.position.topic)/\(record.position.offset)"
        guard let bytes = write.record(row, id: id) else { return }
        // A few kilobytes at most: smaller than any broker's limit.
        try effects.emit(to: write.topic, key: Array(row.key.thing.text.utf8), value: bytes)
    }

    private static func row(_ record: InputRecord) throws(RecordFault) -> PredictionRow {
        func fault(_ message: String) -> RecordFault { RecordFault(code: "answer", message: message) }
        guard let answer = record.value.object else { throw fault("an answer is an object") }
        guard let text = answer["thingId"]?.string, let thing = try? ThingID(validating: text) else {
            throw fault("thingId is missing, or no thing id")
        }
        guard let task = answer["task"]?.string, ModelTask.isName(task) else {
            throw fault("task is missing, or no name")
        }
        guard let model = answer["model"]?.string, ModelTask.isName(model) else {
            throw fault("model is missing, or no name")
        }
        guard let metadata = answer["metadata"]?.object else { throw fault("metadata is missing, or no object") }
        guard let said = metadata["time"]?.string, let time = (try? Timestamp(parsing: said))?.eventTime,
            time.isAcceptable
        else { throw fault("metadata.time is missing, or no RFC 3339 instant between 1970 and 2200") }
        var row = PredictionRow(
            home: record.home,
            key: .init(thing: thing, task: task, model: model, isShadow: answer["shadow"] == .bool(true)),
            version: try Self.text(answer["modelVersion"]), score: nil, label: nil, details: nil, error: nil,
            revision: Self.integer(metadata["revision"]) ?? 0, time: time, input: Self.position(metadata["input"]),
            output: record.position, latency: max(0, answer["latencyMs"]?.number ?? 0))
        switch (answer["prediction"], answer["error"]) {
        case (.some(let value), nil):
            let prediction: JSONObject
            do throws(CallFault) { prediction = try Prediction.read(value) } catch {
                throw fault("prediction: \(error.message)")
            }
            row.score = prediction["score"]?.number
            row.label = try Self.text(prediction["label"])
            if let details = prediction["details"]?.object { row.details = JSONValue.object(details).text }
        case (nil, .some(let error)):
            guard error.object?["code"]?.string != nil else { throw fault("error has no code") }
            row.error = error.text
        default: throw fault("an answer has either `prediction` or `error`")
        }
        return row
    }

    /// A text that Postgres takes; nil for none and null.
    private static func text(_ value: JSONValue?) throws(RecordFault) -> String? {
        guard let text = value?.string else { return nil }
        guard !text.utf8.contains(0), text.utf8.count <= 1024 else {
            throw RecordFault(code: "answer", message: "a version or label has U+0000 or more than 1024 bytes")
        }
        return text
    }

    private static func integer(_ value: JSONValue?) -> Int64? {
        if case .int(let number)? = value { return number }
        return nil
    }

    private static func position(_ value: JSONValue?) -> InputPosition? {
        guard let object = value?.object, let topic = object["topic"]?.string, !topic.utf8.contains(0),
            let partition = integer(object["partition"]).flatMap({ Int32(exactly: $0) }),
            let offset = integer(object["offset"])
        else { return nil }
        return InputPosition(topic: topic, partition: partition, offset: offset)
    }
}
