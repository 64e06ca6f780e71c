import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/twins/{thingId}/predictions`: what models say of a thing.
struct PredictionRoutes: Sendable {
    let queries: PredictionQueries

    var routes: [APIRoute] {
        [APIRoute("/api/v1/twins/{thingId}/predictions", access: .thing(.viewer), handler: predictions)]
    }

    private func predictions(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let rows = try await queries.predictions(thing)
        var out = JSONOutput(capacity: 384 * rows.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for row in rows { Self.write(row, into: &out) }
        out.endArray()
        out.endObject()
        return .json(out.bytes)
    }

    private static func write(_ row: StoredPrediction, into out: inout JSONOutput) {
        out.beginObject()
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
