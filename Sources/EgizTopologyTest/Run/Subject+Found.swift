import EgizCore
import EgizTesting
import EgizTwin

extension Expectation.Section.Subject {
    /// What the driver and those that it asks have of it, in the form in which tests write it; nil where there is no such twin.
    func found(in driver: TopologyDriver, _ world: ScriptedWorld) -> JSONValue? {
        switch self {
        case .twin(let thing): driver.twin(thing.text).map(Self.json)
        case .samples(let thing, let path): .array(driver.samples(thing.text, path).map(Self.row))
        case .rollups: .array(driver.store.allRollups.map(Self.row))
        case .scene: .array(driver.store.allScenes.map(Self.row))
        case .alerts: .array(driver.store.allAlerts.map(Self.row))
        case .predictions: .array(driver.store.allPredictions.map(Self.row))
        case .emitted(let topic): .array(driver.emitted.filter { $0.topic == topic }.map(Self.row))
        case .delivered: .array(world.deliveries.map(Self.row))
        case .deadLetters: .array(driver.deadLetters.map(Self.row))
        case .counter(let name): .int(driver.counters[name] ?? 0)
        case .parked: .array(driver.parkedThings.map { .string($0.text) })
        }
    }

    private static func json(_ text: String) -> JSONValue { json(Array(text.utf8)) }

    /// JSON, or the text itself where it is none.
    private static func json(_ bytes: [UInt8]) -> JSONValue {
        (try? JSONParser().parse(bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    private static func object(_ members: [(String, JSONValue?)]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in members { object[name] = value }
        return .object(object)
    }

    private static func time(_ microseconds: Int64) -> JSONValue {
        .string(EventTime(microseconds: microseconds).text)
    }

    private static func text(_ bytes: [UInt8]?) -> JSONValue {
        bytes.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
    }

    private static func row(_ sample: MemorySample) -> JSONValue {
        let value: JSONValue? =
            switch sample.kind {
            case .number: sample.text.map(json) ?? sample.number.map(number) ?? .null
            case .boolean: .bool(sample.number == 1)
            case .text: .string(sample.text ?? "")
            case .json: json(sample.text ?? "")
            case .null: .null
            case .absent: nil
            }
        return object([
            ("at", time(sample.time)), ("value", value), ("absent", sample.kind == .absent ? .bool(true) : nil),
        ])
    }

    private static func row(_ row: RollupRow) -> JSONValue {
        let aggregate = row.aggregate
        return object([
            ("processor", .string(row.processor)), ("thing", .string(row.thing.text)), ("path", .string(row.path)),
            ("start", .string(row.start.text)), ("end", .string(row.end.text)), ("count", .int(aggregate.count)),
            ("min", number(aggregate.min)), ("max", number(aggregate.max)), ("sum", number(aggregate.sum)),
            ("avg", number(aggregate.average)), ("first", number(aggregate.first)), ("last", number(aggregate.last)),
            ("final", .bool(row.isFinal)),
        ])
    }

    private static func row(_ row: SceneRow) -> JSONValue {
        object([
            ("thing", .string(row.thing.text)), ("object", .string(row.object)), ("target", .string(row.target)),
            ("value", row.value.map(json) ?? .null), ("revision", .int(row.revision)), ("at", .string(row.time.text)),
            ("offset", row.cause.map { .int($0.offset) } ?? .null),
        ])
    }

    private static func row(_ row: AlertRow) -> JSONValue {
        func optional(_ time: EventTime?) -> JSONValue { time.map { .string($0.text) } ?? .null }
        return object([
            ("processor", .string(row.processor)), ("thing", .string(row.thing.text)), ("key", .string(row.key)),
            ("rule", .string(row.rule)), ("severity", .string(row.severity.name)),
            ("state", .string(row.state.rawValue)),
            ("message", .string(row.message)), ("raised", .string(row.raisedAt.text)),
            ("acknowledged", optional(row.acknowledgedAt)),
            ("by", row.acknowledgedBy.map { .string($0) } ?? .null), ("cleared", optional(row.clearedAt)),
            ("offset", row.cause.map { .int($0.offset) } ?? .null),
        ])
    }

    private static func row(_ row: PredictionRow) -> JSONValue {
        object([
            ("thing", .string(row.key.thing.text)), ("task", .string(row.key.task)), ("model", .string(row.key.model)),
            ("shadow", .bool(row.key.isShadow)), ("version", row.version.map { .string($0) } ?? .null),
            ("score", row.score.map(number) ?? .null), ("label", row.label.map { .string($0) } ?? .null),
            ("details", row.details.map(json) ?? .null),
            ("error", row.error.flatMap { json($0).object?["code"] } ?? .null),
            ("revision", .int(row.revision)), ("at", .string(row.time.text)),
            ("offset", row.input.map { .int($0.offset) } ?? .null),
        ])
    }

    /// Whole numbers without their `.0`.
    private static func number(_ value: Double) -> JSONValue {
        Int64(exactly: value).map { .int($0) } ?? .double(value)
    }

    private static func row(_ record: OutputRecord) -> JSONValue {
        var headers = JSONObject()
        for header in record.headers { headers[header.name] = text(header.value) }
        return object([
            ("key", text(record.key)), ("value", record.value.map(json) ?? .null), ("headers", .object(headers)),
            ("id", .string(record.id)), ("at", time(record.time)),
        ])
    }

    private static func row(_ delivery: CallRequest) -> JSONValue {
        var headers = JSONObject()
        for header in delivery.headers { headers[header.name] = .string(header.value) }
        return object([
            ("url", .string(delivery.url)), ("value", json(delivery.body)), ("headers", .object(headers)),
        ])
    }

    private static func row(_ letter: DeadLetter) -> JSONValue {
        object([
            ("code", .string(letter.code)), ("topic", .string(letter.position.topic)),
            ("partition", .int(Int64(letter.position.partition))), ("offset", .int(letter.position.offset)),
            ("thing", letter.thing.map { .string($0.text) } ?? .null),
            ("disposition", .string(letter.disposition.rawValue)),
            ("processor", letter.processor.map { .string($0) } ?? .null), ("attempts", .int(Int64(letter.attempts))),
            ("message", .string(letter.message)),
        ])
    }
}
