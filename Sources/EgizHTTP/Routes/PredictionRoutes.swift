import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/twins/{thingId}/predictions` and `GET /api/v1/predictions`: what models say of a thing, and of all that the caller may
/// see.
struct PredictionRoutes: Sendable {
    let queries: PredictionQueries

    private static let parameters = ["task", "model", "thing", "namespace", "shadow", "limit", "cursor"]

    var routes: [APIRoute] {
        [
            APIRoute(
                "/api/v1/twins/{thingId}/predictions", access: .thing(.viewer), parameters: ["limit", "cursor"],
                handler: predictions),
            APIRoute("/api/v1/predictions", access: .filtered(.viewer), parameters: Self.parameters, handler: list),
        ]
    }

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let filter = PredictionQueries.Filter(
            task: reader.storableText("task"), model: reader.storableText("model"), thing: reader.thing("thing"),
            namespace: reader.storableText("namespace"), isShadow: reader.optionalFlag("shadow"), scope: request.scope)
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [
            filter.task, filter.model, filter.thing?.text, filter.namespace, filter.isShadow.map { "\($0)" },
        ]
        let cursor = reader.cursor(.predictions, question: question)
        // Neither ids nor names have a line feed.
        let parts = cursor?.place.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) ?? []
        if cursor != nil, parts.count != 4 {
            reader.refuse("cursor", "The cursor is damaged; leave it out to start anew.")
        }
        try reader.finish()
        let after =
            parts.count == 4
            ? PredictionQueries.Place(thing: parts[0], task: parts[1], model: parts[2], isShadow: parts[3] == "true")
            : nil
        let found = try await queries.page(filter, after: after, limit: limit)
        var out = JSONOutput(capacity: 384 * found.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for row in found.prefix(limit) { Self.write(row, withThing: true, into: &out) }
        out.endArray()
        if found.count > limit {
            let last = found[limit - 1]
            let place = [last.thing, last.task, last.model, "\(last.isShadow)"].joined(separator: "\n")
            out.next(PageCursor(.predictions, question: question, place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func predictions(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 1000)
        let thing = try request.thing()
        let cursor = reader.cursor(.ownPredictions, question: [thing.text])
        let parts = cursor?.place.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) ?? []
        if cursor != nil, parts.count != 3 {
            reader.refuse("cursor", "The cursor is damaged; leave it out to start anew.")
        }
        try reader.finish()
        let after =
            parts.count == 3
            ? PredictionQueries.Place(
                thing: thing.text, task: parts[0], model: parts[1], isShadow: parts[2] == "true") : nil
        let found = try await queries.page(.init(thing: thing), after: after, limit: limit)
        let rows = found.prefix(limit)
        var out = JSONOutput(capacity: 384 * rows.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for row in rows { Self.write(row, into: &out) }
        out.endArray()
        if found.count > limit, let last = rows.last {
            let place = [last.task, last.model, "\(last.isShadow)"].joined(separator: "\n")
            out.next(PageCursor(.ownPredictions, question: [thing.text], place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private static func write(_ row: StoredPrediction, withThing: Bool = false, into out: inout JSONOutput) {
        out.beginObject()
        if withThing { out.member("thingId", row.thing) }
        out.member("task", row.task)
        out.member("model", row.model)
        out.key("shadow")
        out.raw((row.isShadow ? "true" : "false").utf8)
        out.member("modelVersion", row.version)
        out.key("score")
        if let score = row.score { out.raw(JSONValue.double(score).text.utf8) } else { out.null() }
        out.member("label", row.label)
        json("details", row.details, into: &out)
        json("error", row.error, into: &out)
        out.member("revision", row.revision)
        out.member("time", row.time.text)
        out.key("input")
        if let input = row.input { position(input, into: &out) } else { out.null() }
        out.key("output")
        position(row.output, into: &out)
        out.key("latencyMs")
        out.raw(JSONValue.double(row.latency).text.utf8)
        out.endObject()
    }

    private static func json(_ name: String, _ text: [UInt8]?, into out: inout JSONOutput) {
        out.key(name)
        if let text { out.raw(text) } else { out.null() }
    }

    private static func position(_ position: InputPosition, into out: inout JSONOutput) {
        out.beginObject()
        out.member("topic", position.topic)
        out.member("partition", position.partition)
        out.member("offset", position.offset)
        out.endObject()
    }
}
