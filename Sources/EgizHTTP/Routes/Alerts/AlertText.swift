import EgizCore
import EgizPostgres
import EgizTwin

/// Alerts as JSON.
enum AlertText {
    static func write(_ alert: StoredAlert, into out: inout JSONOutput) {
        out.beginObject()
        members(alert, into: &out)
        out.endObject()
    }

    static func json(_ alert: StoredAlert, notes: [AlertNote]) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        members(alert, into: &out)
        out.key("notes")
        out.beginArray()
        for note in notes {
            out.beginObject()
            out.member("note", note.text)
            out.member("assignee", note.assignee)
            out.member("by", note.by)
            out.member("time", note.time.text)
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return out.bytes
    }

    private static func members(_ alert: StoredAlert, into out: inout JSONOutput) {
        out.member("id", alert.id)
        out.member("thingId", alert.thing)
        out.member("key", alert.key)
        out.member("rule", alert.rule)
        out.member("processor", alert.processor)
        out.member("severity", alert.severity)
        out.member("state", alert.state)
        out.member("message", alert.message)
        out.member("raisedAt", alert.raisedAt.text)
        out.member("updatedAt", alert.updatedAt.text)
        out.member("acknowledgedAt", alert.acknowledgedAt?.text)
        out.member("acknowledgedBy", alert.acknowledgedBy)
        out.member("clearedAt", alert.clearedAt?.text)
        out.member("assignee", alert.assignee)
        out.member("revision", alert.revision)
        cause(alert.cause, into: &out)
    }

    /// The record that something is because of.
    static func cause(_ position: InputPosition?, into out: inout JSONOutput) {
        out.key("cause")
        guard let position else { return out.null() }
        out.beginObject()
        out.member("topic", position.topic)
        out.member("partition", position.partition)
        out.member("offset", position.offset)
        out.endObject()
    }

    /// `severity` of a query.
    static func severity(_ reader: inout QueryReader) -> AlertRow.Severity? {
        guard let text = reader.filledText("severity") else { return nil }
        if let severity = AlertRow.Severity(name: text) { return severity }
        reader.refuse(
            "severity", "severity must be one of \(AlertRow.Severity.allCases.map(\.name).joined(separator: ", ")).")
        return nil
    }
}
