import EgizCore
import EgizTwin

/// How the answers of one task come back to their things.
struct WriteBack: Sendable {
    enum Form: String, CaseIterable, Sendable { case telemetry, ditto }

    static let fields: [KindField] = [
        .init("task", .string, required: true, "The task whose answers are written."),
        .init(
            "writeTo", .path, required: true,
            "A feature (`/features/anomaly`), which gets the properties `score`, `label`, `model` and `version`, or one property of one, which gets the score, or the label where there is none."
        ),
        .init(
            "as", .choice(Form.allCases.map(\.rawValue)), default: "telemetry",
            "`telemetry`: a telemetry record of the thing. `ditto`: a merge command to Ditto, which owns the thing."),
        .init("to", .topic, "The topic; `ditto.commands.v1` for commands where left out."),
    ]

    let task: String
    /// Segments, as the fan-out's.
    let path: [String]
    private let feature: String
    /// Nil: several.
    private let property: String?
    private let form: Form
    let topic: String
    /// The file names none.
    let usesDefaultTopic: Bool
    static let commandTopic = "ditto.commands.v1"

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        guard let task = try reader.text("task"), ModelTask.isName(task) else {
            throw reader.fault("task", ModelTask.nameRule)
        }
        self.task = task
        let path = try reader.path("writeTo")?.paths.first ?? []
        guard path.first == "features", (2...4).contains(path.count), path.count == 2 || path[2] == "properties" else {
            throw reader.fault(
                "writeTo", "a feature such as /features/anomaly, or a property such as features.anomaly.score")
        }
        self.path = path
        feature = path[1]
        property = path.count == 4 ? path[3] : nil
        guard let form = Form(rawValue: try reader.text("as") ?? "telemetry") else {
            throw reader.fault("as", Form.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.form = form
        let named = try reader.text("to")
        usesDefaultTopic = named == nil
        let topic = named ?? (form == .ditto ? Self.commandTopic : nil)
        guard let topic else {
            throw reader.fault(
                at: reader.mark, "\(reader.path): `as: telemetry` needs `to`, the topic of the thing's telemetry")
        }
        self.topic = topic
    }

    /// The record; nil where the answer has nothing for the path.
    func record(_ row: PredictionRow, id: String) -> [UInt8]? {
        var properties = JSONObject()
        let score = row.score.map { JSONValue.double($0) }
        let label = row.label.map { JSONValue.string($0) }
        if let property {
            guard let value = score ?? label else { return nil }
            properties[property] = value
        } else {
            properties["score"] = score ?? .null
            properties["label"] = label ?? .null
            properties["model"] = .string(row.key.model)
            properties["version"] = row.version.map { .string($0) } ?? .null
        }
        var bytes: [UInt8] = []
        switch form {
        case .telemetry: telemetry(properties, row).write(into: &bytes)
        case .ditto: command(properties, row, id).write(into: &bytes)
        }
        return bytes
    }

    private func telemetry(_ properties: JSONObject, _ row: PredictionRow) -> JSONValue {
        var features = JSONObject()
        features[feature] = .object(properties)
        var record = JSONObject()
        record["thingId"] = .string(row.key.thing.text)
        record["timestamp"] = .string(row.time.text)
        record["features"] = .object(features)
        return .object(record)
    }

    private func command(_ properties: JSONObject, _ row: PredictionRow, _ id: String) -> JSONValue {
        let thing = row.key.thing
        var headers = JSONObject()
        headers["content-type"] = .string("application/merge-patch+json")
        headers["response-required"] = .bool(false)
        headers["correlation-id"] = .string(id)
        var command = JSONObject()
        command["topic"] = .string("\(thing.namespace)/\(thing.name)/things/twin/commands/merge")
        command["headers"] = .object(headers)
        let name = feature.replacing("~", with: "~0").replacing("/", with: "~1")
        command["path"] = .string("/features/\(name)/properties")
        command["value"] = .object(properties)
        return .object(command)
    }
}
