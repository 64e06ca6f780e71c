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
            APIRoute(
                "/api/v1/twins/{thingId}/alerts", access: .thing(.viewer), parameters: Self.parameters, handler: alerts),
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
            AlertText.cause(property.cause, into: &out)
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return .json(out.bytes)
    }

    private func alerts(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        var filter = AlertQueries.Filter()
        filter.isOpen = reader.flag("open")
        filter.severity = AlertText.severity(&reader)
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
        for alert in page.alerts { AlertText.write(alert, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.alerts.last {
            out.next(PageCursor(.alerts, question: question, place: "\(last.id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

}

extension PostgresPool {
    /// Reads alerts and scenes on one snapshot.
    func readAlerts<T: Sendable>(_ body: @escaping @Sendable (AlertQueries) throws -> T) async throws -> T {
        try await run { connection in
            try connection.execute(
                "begin isolation level repeatable read, read only; set local statement_timeout = '20s'")
            let result = try body(AlertQueries(connection))
            try connection.execute("commit")
            return result
        }
    }
}
