import EgizCore
import EgizPostgres
import EgizTwin

/// History as JSON and CSV.
enum HistoryText {
    // MARK: Raw samples

    static func json(samples: ArraySlice<HistorySample>, _ asked: HistoryRequest, cursor: String?) -> [UInt8] {
        var out = JSONOutput(capacity: 64 * samples.count + 256)
        begin(asked, into: &out)
        out.key("items")
        out.beginArray()
        for sample in samples {
            out.beginObject()
            out.member("time", sample.time.text)
            out.member("kind", sample.kind.name)
            out.key("value")
            write(sample, into: &out)
            out.endObject()
        }
        out.endArray()
        end(cursor, into: &out)
        return out.bytes
    }

    static func csv(samples: ArraySlice<HistorySample>) -> [UInt8] {
        var out = CSVOutput(header: ["time", "kind", "value"])
        for sample in samples {
            out.field(sample.time.text)
            out.field(sample.kind.name)
            field(sample, into: &out)
            out.endRow()
        }
        return out.bytes
    }

    /// The value of a sample as a field of CSV.
    static func field(_ sample: HistorySample, into out: inout CSVOutput) {
        switch sample.kind {
        case .number: out.field(sample.text ?? sample.number.map(NumberText.text))
        case .boolean: out.field(sample.number == 0 ? "false" : "true")
        case .text, .json: out.field(sample.text)
        case .null, .absent: out.field(nil)
        }
    }

    /// A number keeps its exact literal where float8 could not hold it; JSON goes out as it is.
    static func write(_ sample: HistorySample, into out: inout JSONOutput) {
        switch sample.kind {
        case .number:
            if let literal = sample.text {
                out.raw(literal.utf8)
            } else if let number = sample.number, number.isFinite {
                out.number(number)
            } else {
                out.null()
            }
        case .boolean: out.bool(sample.number != 0)
        case .text: out.string(sample.text ?? "")
        case .json: out.raw((sample.text ?? "null").utf8)
        case .null, .absent: out.null()
        }
    }

    // MARK: Intervals

    static func json(
        buckets: ArraySlice<HistoryBucket>, _ grouping: HistoryRequest.Grouping, _ asked: HistoryRequest,
        cursor: String?
    ) -> [UInt8] {
        var out = JSONOutput(capacity: 128 * buckets.count + 256)
        begin(asked, into: &out)
        out.member("interval", grouping.text)
        out.key("items")
        out.beginArray()
        for bucket in buckets {
            out.beginObject()
            out.member("time", bucket.start.text)
            for aggregate in grouping.aggregates { aggregate.write(bucket, into: &out) }
            out.member("skipped", bucket.skipped)
            out.endObject()
        }
        out.endArray()
        out.member("skipped", buckets.reduce(0) { $0 + $1.skipped })
        end(cursor, into: &out)
        return out.bytes
    }

    static func csv(buckets: ArraySlice<HistoryBucket>, _ grouping: HistoryRequest.Grouping) -> [UInt8] {
        var out = CSVOutput(header: ["time"] + grouping.aggregates.map(\.rawValue) + ["skipped"])
        for bucket in buckets {
            out.field(bucket.start.text)
            for aggregate in grouping.aggregates { out.field(aggregate.text(of: bucket)) }
            out.field("\(bucket.skipped)")
            out.endRow()
        }
        return out.bytes
    }

    private static func begin(_ asked: HistoryRequest, into out: inout JSONOutput) {
        out.beginObject()
        out.member("thingId", asked.range.thing.text)
        out.member("path", asked.range.path)
        out.member("from", asked.range.from.text)
        out.member("to", asked.range.to.text)
    }

    static func end(_ cursor: String?, into out: inout JSONOutput) {
        if let cursor { out.next(cursor) }
        out.endObject()
    }
}
