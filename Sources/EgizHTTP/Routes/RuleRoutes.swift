import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/twins/{thingId}/scene` and `GET /api/v1/twins/{thingId}/alerts`.
struct RuleRoutes: Sendable {
    let pool: PostgresPool

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/twins/{thingId}/scene", access: .thing(.viewer), handler: scene),
            APIRoute("/api/v1/twins/{thingId}/alerts", access: .thing(.viewer), parameters: Self.parameters, handler: alerts),
        ]
    }

    private static let parameters = ["open", "severity", "limit", "cursor"]

    private func scene(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let properties = try await pool.readAlerts { try $0.scene(thing) }
        var out = JSONOutput(capacity: 192 * properties.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for property in properties {
            out.beginObject()
            out.member("objectName", property.object)
            out.member("target", property.target)
            out.key("value")
            out.raw(property.value)
            out.member("revision", property.revision)
            out.member("time", property.time.text)
            Self.cause(property.cause, into: &out)
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return .json(out.bytes)
    }

    private func alerts(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        var filter = AlertQueries.Filter()
        filter.isOpen = Self.flag("open", &reader)
        filter.severity = Self.severity(&reader)
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let thing = try request.thing()
        let question = [thing.text, "\(filter.isOpen)", filter.severity?.name]
        let cursor = reader.cursor(.alerts, question: question)
        try reader.finish()
        filter.thing = thing
        let asked = filter
        let before = cursor.flatMap { Int64($0.place) }
        let page = try await pool.readAlerts { try $0.page(asked, before: before, limit: limit) }
        var out = JSONOutput(capacity: 384 * page.alerts.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for alert in page.alerts { Self.write(alert, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.alerts.last {
            out.next(PageCursor(.alerts, question: question, place: "\(last.id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private static func flag(_ name: String, _ reader: inout QueryReader) -> Bool {
        guard let text = reader.filledText(name) else { return false }
        if text == "true" || text == "false" { return text == "true" }
        reader.refuse(name, "\(name) must be true or false.")
        return false
    }

    private static func severity(_ reader: inout QueryReader) -> AlertRow.Severity? {
        guard let text = reader.filledText("severity") else { return nil }
        if let severity = AlertRow.Severity(name: text) { return severity }
        reader.refuse("severity", "severity must be info, warning, error or critical; those at least as bad are shown.")
        return nil
    }

    private static func write(_ alert: StoredAlert, into out: inout JSONOutput) {
        out.beginObject()
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
        out.endObject()
    }

    private static func cause(_ position: InputPosition?, into out: inout JSONOutput) {
        out.key("cause")
        guard let position else { return out.null() }
        out.beginObject()
        out.member("topic", position.topic)
        out.member("partition", position.partition)
        out.member("offset", position.offset)
        out.endObject()
    }
}

extension PostgresPool {
    /// Reads alerts and scenes on one snapshot.
    fileprivate func readAlerts<T: Sendable>(_ body: @escaping @Sendable (AlertQueries) throws -> T) async throws -> T {
        try await run { connection in
            try connection.execute(
                "begin isolation level repeatable read, read only; set local statement_timeout = '20s'")
            let result = try body(AlertQueries(connection))
            try connection.execute("commit")
            return result
        }
    }
}
