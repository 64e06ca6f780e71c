import Configuration
import EgizCore

/// What the settings say of the audit log.
struct AuditSettings: Sendable {
    /// How many days entries are kept; nil: for ever.
    var retention: Int?

    static let keys = ["audit.retention"]
    static let variables = ["AUDIT_RETENTION"]

    init(_ reader: ConfigReader) throws(EngineError) {
        guard let text = reader.string(forKey: "audit.retention"), text != "forever" else { return }
        guard let days = Self.days(text) else {
            throw EngineError(
                .config, .stop,
                "audit.retention (EGIZ_AUDIT_RETENTION): found \"\(text)\", expected a number of days such as 400d, or forever"
            )
        }
        retention = days
    }

    /// `400d`; nil for anything else. A hundred years at most.
    static func days(_ text: String) -> Int? {
        guard text.hasSuffix("d"), let days = Int(text.dropLast()), (1...36_500).contains(days) else { return nil }
        return days
    }
}
