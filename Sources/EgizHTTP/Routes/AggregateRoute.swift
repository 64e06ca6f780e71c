import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/aggregates`: what the numbers of one path of many things come to, by namespace, definition or filter.
struct AggregateRoute: Sendable {
    let queries: HistoryQueries
    /// With those of twins.
    let searches: SearchGate
    /// The time of the request.
    var now: @Sendable () -> EventTime = { WallClock.now() }

    private static let parameters = [
        "path", "namespace", "definition", "filter", "from", "to", "interval", "aggregate",
    ]

    var route: APIRoute {
        APIRoute("/api/v1/aggregates", access: .filtered(.viewer), parameters: Self.parameters, handler: aggregates)
    }

    private func aggregates(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let path = reader.pointer("path")
        let filter = TwinQueries.Filter(
            namespace: reader.storableText("namespace"), definition: reader.storableText("definition"),
            condition: reader.filter("filter"), scope: request.scope)
        let grouping = reader.grouping()
        let to = reader.time("to") ?? min(now(), EventTime.latest)
        let from =
            reader.time("from") ?? EventTime(microseconds: max(0, to.microseconds - HistoryRequest.defaultSpan))
        if from >= to { reader.refuse("from", "from must be before to (\(to.text)).") }
        if !reader.has("interval") { reader.refuse("interval", "interval is needed, such as interval=1m.") }
        for aggregate in grouping?.aggregates ?? [] where ![.min, .max, .avg, .sum, .count].contains(aggregate) {
            reader.refuse(
                "aggregate", "\(aggregate.rawValue) has no meaning for many things; use min, max, avg, sum or count.")
        }
        if let grouping, let thing = try? ThingID(validating: "a:a") {
            reader.check(grouping, in: HistoryQueries.Range(thing: thing, path: path ?? "", from: from, to: to))
        }
        try reader.finish()
        guard let path, let grouping else { throw Problem.internalError }
        let needs = grouping.aggregates.reduce(into: HistoryQueries.Aggregates()) { $0.formUnion($1.needs) }
        let found = try await searches.pass(for: request.principal?.caller ?? "") {
            try await queries.aggregate(
                path: path, of: filter, from: from, to: to, interval: grouping.interval, aggregates: needs,
                limit: HistoryRequest.maximumRows)
        }
        var out = JSONOutput(capacity: 128 * found.buckets.count + 256)
        out.beginObject()
        out.member("path", path)
        out.member("from", from.text)
        out.member("to", to.text)
        out.member("interval", grouping.text)
        out.member("things", found.things)
        out.member("series", found.series)
        out.key("complete")
        out.bool(!found.isCut)
        out.key("items")
        out.beginArray()
        for bucket in found.buckets {
            out.beginObject()
            out.member("time", bucket.start.text)
            for aggregate in grouping.aggregates { aggregate.write(bucket, into: &out) }
            out.member("skipped", bucket.skipped)
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return .json(out.bytes)
    }
}
