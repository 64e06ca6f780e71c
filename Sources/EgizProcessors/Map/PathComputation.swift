import EgizCore

/// One value that a map computes.
struct PathComputation {
    static let fields: [KindField] = [
        .init("path", .path, required: true, "Where the value goes: a property, such as `features.filler.pressure`."),
        .init(
            "value", .expression(allowsValue: false), required: true,
            "The value, from the thing after the event. Missing or null removes it from the other thing."),
    ]

    let target: TelemetryTarget
    let value: Expression

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        target = try TelemetryTarget(reader, "path")
        guard let expression = try reader.expression("value") else { throw reader.fault("value", "an expression") }
        value = expression
    }
}
