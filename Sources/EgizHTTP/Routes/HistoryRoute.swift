import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `GET /api/v1/twins/{thingId}/history`: raw samples, or what they come to per interval; JSON or CSV.
struct HistoryRoute: Sendable {
    let queries: HistoryQueries
    /// The time of the request.
    var now: @Sendable () -> EventTime = { WallClock.now() }

    var route: APIRoute {
        APIRoute(
            "/api/v1/twins/{thingId}/history", access: .thing(.viewer), parameters: HistoryRequest.parameters,
            handler: history)
    }

    /// `GET /api/v1/twins/{thingId}/history/latest`: the last value of each path.
    var latest: APIRoute {
        APIRoute(
            "/api/v1/twins/{thingId}/history/latest", access: .thing(.viewer), parameters: ["path", "limit", "cursor"]
        ) { request in
            var reader = request.reader(known: ["path", "limit", "cursor"], repeatable: ["path"])
            let paths = reader.has("path") ? reader.pointers("path", most: 100) : []
            let limit = reader.integer("limit", in: 1...1000, default: 1000)
            let thing = try request.thing()
            let question = [thing.text] + paths
            let cursor = reader.cursor(.latest, question: question)
            try reader.finish()
            let found = try await queries.state(
                thing, at: min(now(), EventTime.latest), paths: paths, after: cursor?.place, limit: limit)
            guard let found else { throw Problem.noSuchTwin(thing.text) }
            let next = found.next.map { PageCursor(.latest, question: question, place: $0).text }
            return .json(StateText.latest(found, of: thing, next: next))
        }
    }

    private static let link = HTTPField.Name("Link") ?? .location

    private func history(_ request: APIRequest) async throws -> Response {
        let thing = try request.thing()
        let asked = try HistoryRequest(request, thing: thing, now: now())
        if asked.paths.count > 1 { return try await many(request, asked) }
        guard let grouping = asked.grouping else {
            // One more than asked for, to know whether there is a next page.
            guard let samples = try await queries.samples(asked.range, limit: asked.limit + 1) else {
                throw Problem.noSuchTwin(thing.text)
            }
            let page = HistoryPage(asked, rows: samples, time: \.time.microseconds)
            return respond(request, asked, cursor: page.cursor) { format in
                switch format {
                case .json: HistoryText.json(samples: page.rows, asked, cursor: page.cursor)
                case .csv: HistoryText.csv(samples: page.rows)
                }
            }
        }
        let needs = grouping.aggregates.reduce(into: HistoryQueries.Aggregates()) { $0.formUnion($1.needs) }
        let found = try await queries.buckets(
            asked.range, interval: grouping.interval, aggregates: needs, limit: asked.limit + 1)
        guard let buckets = found else { throw Problem.noSuchTwin(thing.text) }
        let page = HistoryPage(asked, rows: buckets, time: \.start.microseconds)
        return respond(request, asked, cursor: page.cursor) { format in
            switch format {
            case .json: HistoryText.json(buckets: page.rows, grouping, asked, cursor: page.cursor)
            case .csv: HistoryText.csv(buckets: page.rows, grouping)
            }
        }
    }

    /// Several paths, in one snapshot.
    private func many(_ request: APIRequest, _ asked: HistoryRequest) async throws -> Response {
        guard let grouping = asked.grouping else {
            guard let found = try await queries.samples(asked.ranges, limit: asked.limit + 1) else {
                throw Problem.noSuchTwin(asked.range.thing.text)
            }
            let page = HistoryManyText.Page(asked, rows: found, time: \.time.microseconds)
            return respond(request, asked, cursor: page.cursor) { format in
                switch format {
                case .json: HistoryManyText.json(samples: page, asked)
                case .csv: HistoryManyText.csv(samples: page, asked)
                }
            }
        }
        let needs = grouping.aggregates.reduce(into: HistoryQueries.Aggregates()) { $0.formUnion($1.needs) }
        let found = try await queries.buckets(
            asked.ranges, interval: grouping.interval, aggregates: needs, limit: asked.limit + 1)
        guard let found else { throw Problem.noSuchTwin(asked.range.thing.text) }
        let page = HistoryManyText.Page(asked, rows: found, time: \.start.microseconds)
        return respond(request, asked, cursor: page.cursor) { format in
            switch format {
            case .json: HistoryManyText.json(buckets: page, grouping, asked)
            case .csv: HistoryManyText.csv(buckets: page, grouping, asked)
            }
        }
    }

    private func respond(
        _ request: APIRequest, _ asked: HistoryRequest, cursor: String?, body: (HistoryRequest.Format) -> [UInt8]
    ) -> Response {
        var headers: HTTPFields = [.vary: "Accept"]
        if let cursor {
            let kept = (request.query ?? "").split(separator: "&").filter { !$0.hasPrefix("cursor=") }
            headers[Self.link] =
                "<\(request.path)?\((kept + ["cursor=\(cursor)"]).joined(separator: "&"))>; rel=\"next\""
        }
        let type =
            switch asked.format {
            case .json: "application/json"
            case .csv: "text/csv; charset=utf-8; header=present"
            }
        return .content(body(asked.format), type: type, headers: headers)
    }
}
