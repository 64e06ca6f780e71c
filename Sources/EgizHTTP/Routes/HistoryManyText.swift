import EgizCore
import EgizPostgres
import EgizTwin

/// History of several paths as JSON and CSV.
enum HistoryManyText {
    /// The rows of one answer of each path, and where the next one starts: every path ends at one time, so that no page tears what
    /// belongs together.
    struct Page<Row> {
        var rows: [ArraySlice<Row>]
        /// Nil where these are the last rows.
        var cursor: String?

        /// `found` has up to one row more of each path than `limit`.
        init(_ asked: HistoryRequest, rows found: [[Row]], time: (Row) -> Int64) {
            let cut = found.compactMap { $0.count > asked.limit ? time($0[asked.limit]) : nil }.min()
            rows = found.map { rows in cut.map { cut in rows.prefix { time($0) < cut } } ?? rows[...] }
            cursor = cut.map { asked.cursor(from: $0) }
        }
    }

    static func json(samples: Page<HistorySample>, _ asked: HistoryRequest) -> [UInt8] {
        json(samples, asked) { sample, out in
            out.beginObject()
            out.member("time", sample.time.text)
            out.member("kind", sample.kind.name)
            out.key("value")
            HistoryText.write(sample, into: &out)
            out.endObject()
        }
    }

    static func json(buckets: Page<HistoryBucket>, _ grouping: HistoryRequest.Grouping, _ asked: HistoryRequest)
        -> [UInt8]
    {
        json(buckets, asked) { bucket, out in
            out.beginObject()
            out.member("time", bucket.start.text)
            for aggregate in grouping.aggregates { aggregate.write(bucket, into: &out) }
            out.member("skipped", bucket.skipped)
            out.endObject()
        }
    }

    private static func json<Row>(
        _ page: Page<Row>, _ asked: HistoryRequest, _ write: (Row, inout JSONOutput) -> Void
    ) -> [UInt8] {
        var out = JSONOutput(capacity: 64 * page.rows.reduce(0) { $0 + $1.count } + 512)
        out.beginObject()
        out.member("thingId", asked.range.thing.text)
        out.member("from", asked.range.from.text)
        out.member("to", asked.range.to.text)
        if let grouping = asked.grouping { out.member("interval", grouping.text) }
        out.key("series")
        out.beginArray()
        for (path, rows) in zip(asked.paths, page.rows) {
            out.beginObject()
            out.member("path", path)
            out.key("items")
            out.beginArray()
            for row in rows { write(row, &out) }
            out.endArray()
            out.endObject()
        }
        out.endArray()
        HistoryText.end(page.cursor, into: &out)
        return out.bytes
    }

    static func csv(samples: Page<HistorySample>, _ asked: HistoryRequest) -> [UInt8] {
        var out = CSVOutput(header: ["path", "time", "kind", "value"])
        for (path, rows) in zip(asked.paths, samples.rows) {
            for sample in rows {
                out.field(path)
                out.field(sample.time.text)
                out.field(sample.kind.name)
                HistoryText.field(sample, into: &out)
                out.endRow()
            }
        }
        return out.bytes
    }

    static func csv(buckets: Page<HistoryBucket>, _ grouping: HistoryRequest.Grouping, _ asked: HistoryRequest)
        -> [UInt8]
    {
        var out = CSVOutput(header: ["path", "time"] + grouping.aggregates.map(\.rawValue) + ["skipped"])
        for (path, rows) in zip(asked.paths, buckets.rows) {
            for bucket in rows {
                out.field(path)
                out.field(bucket.start.text)
                for aggregate in grouping.aggregates { out.field(aggregate.text(of: bucket)) }
                out.field("\(bucket.skipped)")
                out.endRow()
            }
        }
        return out.bytes
    }
}
