import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/twins/{thingId}/scene` and `GET /api/v1/twins/{thingId}/alerts`.
struct RuleRoutes: Sendable {
    let pool: PostgresPool

    var routes: [APIRoute] {
        [
            APIRoute(
                "/api/v1/twins/{thingId}/scene", access: .thing(.viewer), parameters: ["limit", "cursor"],
                handler: scene),
            APIRoute(
                "/api/v1/twins/{thingId}/alerts", access: .thing(.viewer), parameters: Self.parameters, handler: alerts),
        ]
    }

    private static let parameters = ["open", "severity", "limit", "cursor"]

    private func scene(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 1000)
        let thing = try request.thing()
        let cursor = reader.cursor(.scene, question: [thing.text])
        let after = cursor.flatMap { Self.place($0.place) }
        if cursor != nil, after == nil {
            reader.refuse("cursor", "The cursor is damaged; leave it out to start anew.")
        }
        try reader.finish()
        let found = try await pool.readAlerts { try $0.scene(thing, after: after, limit: limit) }
        let properties = found.prefix(limit)
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
        if found.count > limit, let last = properties.last {
            let place = "\(last.object.utf8.count);\(last.object)\(last.target)"
            out.next(PageCursor(.scene, question: [thing.text], place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    /// The object and the target of a cursor: the length of the first stands before them, since both may have any character.
    private static func place(_ text: String) -> (object: String, target: String)? {
        let parts = text.utf8.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(Substring(parts[0])), (0...parts[1].count).contains(count),
            let object = String(parts[1].prefix(count)), let target = String(parts[1].dropFirst(count))
        else { return nil }
        return (object, target)
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
