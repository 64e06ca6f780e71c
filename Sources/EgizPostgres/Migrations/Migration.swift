/// One numbered step of the schema. What is applied is never edited, only followed by another step: the checksum of its text
/// is kept in `egiz.schema_migration`.
struct Migration: Sendable {
    var version: Int64
    var name: String
    var sql: String

    /// `0001-tables`, as it is reported.
    var title: String {
        let digits = String(version)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "-" + name
    }

    /// All steps in order. A new one is a new file and a line here.
    static let all: [Migration] = [
        .tables, .history, .guarantees, .deployments, .idle, .historyForms, .rules, .models, .letters, .ruleMends,
        .accounts, .registry, .idempotency, .moves, .auditRetention,
    ]
}
