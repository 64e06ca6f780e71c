import EgizCore

/// When letters come too fast.
struct LetterAlert {
    static let fields: [KindField] = [
        .init(
            "over", .int(0...1_000_000_000), required: true,
            "The alert is raised beyond so many letters of a partition…"),
        .init(
            "per", .duration, default: "5m", "…within this time, and cleared when there are no more of them than that."),
        .init(
            "severity", .choice(AlertRow.Severity.allCases.map(\.name)), default: "warning", "How bad that is."),
        .init("to", .topic, "A topic for the alert's life, such as `framework.notifications.v1.alert`."),
    ]

    /// Letters are counted in tenths of `per`.
    private static let parts: Int64 = 10

    let over: Int64
    /// In microseconds.
    let per: Int64
    let severity: AlertRow.Severity
    let topic: String?

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        over = Int64(try reader.integer("over") ?? 0)
        per = try reader.duration("per") ?? 300_000_000
        guard per >= 10_000 else { throw reader.fault("per", "at least 10ms") }
        severity = try reader.text("severity").flatMap(AlertRow.Severity.init(name:)) ?? .warning
        topic = try reader.text("to")
    }

    var part: Int64 { per / Self.parts }
}
