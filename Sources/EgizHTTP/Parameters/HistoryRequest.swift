import EgizPostgres
import EgizTwin
import HTTPTypes

/// What a request for history asks for, checked.
struct HistoryRequest: Equatable {
    enum Format: String, CaseIterable { case json, csv }

    /// Intervals and what to compute of each; nil for raw samples.
    struct Grouping: Equatable {
        /// As it was written.
        var text: String
        /// In microseconds.
        var interval: Int64
        var aggregates: [HistoryAggregate]
    }

    static let parameters = ["path", "from", "to", "interval", "aggregate", "limit", "cursor", "format"]
    static let maximumRows = 10_000
    static let mostPaths = 20
    static let defaultSpan: Int64 = 3_600_000_000

    var range: HistoryQueries.Range
    /// All paths that are asked for; the first is that of `range`.
    var paths: [String]
    var grouping: Grouping?
    var limit: Int
    var format: Format
    /// What a cursor of the next page is bound to.
    var question: [String?]

    /// Throws the problem that lists every bad parameter. `now` is where `to` stands when it is not given.
    init(_ request: APIRequest, thing: ThingID, now: EventTime) throws(Problem) {
        var reader = request.reader(known: Self.parameters, repeatable: ["path"])
        paths = reader.pointers("path", most: Self.mostPaths)
        let path = paths.first
        let to = reader.time("to")
        let from = reader.time("from")
        grouping = reader.grouping()
        limit = reader.integer("limit", in: 1...Self.maximumRows, default: grouping == nil ? 1000 : Self.maximumRows)
        format = reader.word("format", among: Format.self) ?? (Self.prefersCSV(request.headers) ? .csv : .json)

        let kinds = Self.kinds(paths.count)
        question = [thing.text, paths.joined(separator: " "), grouping.map { "\($0.interval)" }]
        let end = to ?? min(now, EventTime.latest)
        let start = from ?? EventTime(microseconds: max(0, end.microseconds - Self.defaultSpan))
        var range = HistoryQueries.Range(thing: thing, path: path ?? "", from: start, to: end)
        if start >= end, !reader.has("cursor") {
            reader.refuse(
                "from", "from must be before to (\(end.text)\(to == nil ? ", the time of the request" : "")).")
        }
        if let cursor = reader.cursor(grouping == nil ? kinds.samples : kinds.buckets, question: question) {
            // The cursor carries the end as well: a default of "now" would move from page to page.
            let bounds = cursor.place.split(separator: ";").compactMap { Int64($0) }
            // Whoever writes a cursor by hand must not get beyond the times that `from` and `to` may have.
            let times = bounds.map(EventTime.init(microseconds:)).filter { $0 >= .earliest && $0 <= .latest }
            if bounds.count == 2, times.count == 2 {
                range.from = times[0]
                range.to = times[1]
            } else {
                reader.refuse("cursor", "The cursor is damaged; leave it out to start from the beginning.")
            }
        }
        if let grouping { reader.check(grouping, in: range) }
        try reader.finish()
        self.range = range
    }

    /// The cursor of the page that starts at `from`.
    func cursor(from: Int64) -> String {
        let kinds = Self.kinds(paths.count)
        return PageCursor(
            grouping == nil ? kinds.samples : kinds.buckets, question: question,
            place: "\(from);\(range.to.microseconds)"
        ).text
    }

    /// The range of each path.
    var ranges: [HistoryQueries.Range] {
        paths.map { path in
            var range = self.range
            range.path = path
            return range
        }
    }

    private static func kinds(_ paths: Int) -> (samples: PageCursor.Kind, buckets: PageCursor.Kind) {
        paths > 1 ? (.manySamples, .manyBuckets) : (.samples, .buckets)
    }

    /// CSV where the client names it and does not name JSON.
    private static func prefersCSV(_ headers: HTTPFields) -> Bool {
        let accepted = headers[values: .accept].joined(separator: ",").lowercased()
        return accepted.contains("text/csv") && !accepted.contains("application/json")
    }
}
