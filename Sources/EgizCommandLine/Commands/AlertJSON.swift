import EgizCore
import EgizPostgres
import EgizTwin

/// An alert for programs.
struct AlertJSON: Encodable {
    var id: Int64
    var topology: String
    var source: String
    var processor: String
    var thing: String
    var key: String
    var rule: String
    var severity: String
    var state: String
    var message: String
    var raisedAt: String
    var updatedAt: String
    var acknowledgedAt: String?
    var acknowledgedBy: String?
    var clearedAt: String?
    var assignee: String?
    var revision: Int64

    init(_ alert: StoredAlert) {
        (id, topology, source) = (alert.id, alert.stage.topology, alert.stage.source)
        (processor, thing, key, rule) = (alert.processor, alert.thing, alert.key, alert.rule)
        (severity, state, message) = (alert.severity, alert.state, alert.message)
        (raisedAt, updatedAt) = (alert.raisedAt.text, alert.updatedAt.text)
        (acknowledgedAt, acknowledgedBy) = (alert.acknowledgedAt?.text, alert.acknowledgedBy)
        (clearedAt, assignee, revision) = (alert.clearedAt?.text, alert.assignee, alert.revision)
    }
}
