import EgizCore
import EgizTwin

/// Reads one series in all the forms that its samples are stored in: compacted segments, segments, blocks.
///
/// A stored row that can hold the time t begins at most a day before t (rule 24), so partitions are pruned. Confined to the thread
/// of its connection.
struct HistoryReader {
    /// A stored row without its samples.
    struct Item {
        enum Form { case packed, segment, block }

        var form: Form
        var first: Int64
        var last: Int64
        var seq: Int64
        var count: Int
        var kind: SampleKind
        var statistics: SegmentStatistics?
        /// Of a block: the sample.
        var number: Double = 0
    }

    let connection: PostgresConnection
    let series: Int64

    private var group: PostgresValue { .int64(series >> HistoryBlocks.groupBits) }
    private var member: PostgresValue { .int64(series & HistoryBlocks.memberMask) }

    private func bounds(_ from: Int64, _ to: Int64) -> [PostgresValue] {
        [.int64(series), .timestamp(microseconds: from), .timestamp(microseconds: to)]
    }

    /// Which rows can hold samples of `$2 <= time < $3`.
    private static let reach = """
        t_first >= $2::timestamptz - interval '24 hours' and t_first < $3::timestamptz and t_last >= $2::timestamptz
        """
    private static let ofSeries = "series_id = $1 and \(reach)"
    private static let ofGroup = "series_group = $1 and \(reach)"
    private static let places = "unnest(array_positions(members, $4::int2)) as item (place)"
    private static let time = "t_first + lags[item.place] * unit::int8 * interval '1 microsecond'"

    // MARK: Pages

    /// A time up to which there are about `samples` samples or a little more: reading no further keeps a page of a long range
    /// cheap. Always later than `from`.
    func cut(from: Int64, to: Int64, samples: Int) throws(EngineError) -> Int64 {
        let rows = try connection.query(
            """
            select least(
                (select t_first from (
                    select t_first, sum(n) over (order by t_first, kind rows unbounded preceding) - n as before
                    from egiz.history_packed where \(Self.ofSeries)
                ) packed where before >= $4 and t_first > $2::timestamptz order by t_first limit 1),
                (select t_first from (
                    select t_first, sum(n) over (order by t_first, seq rows unbounded preceding) - n as before
                    from egiz.history_segment where \(Self.ofSeries)
                ) segment where before >= $4 and t_first > $2::timestamptz order by t_first limit 1),
                (select t_first from (
                    select t_first, count(*) over (order by t_first, seq rows unbounded preceding) as before
                    from egiz.history_block where series_group = $5 and \(Self.reach) and $6::int2 = any (members)
                ) block where before > $4 and t_first > $2::timestamptz order by t_first limit 1))
            """, bounds(from, to) + [.int64(Int64(samples)), group, member])
        return min(rows.first?.timestamp(0) ?? to, to)
    }

    /// All samples of the range, settled.
    func samples(from: Int64, to: Int64, texts: Bool) throws(EngineError) -> SampleBuffer {
        var buffer = SampleBuffer()
        let packed = try connection.query(
            "select \(Self.packedColumns(texts)) from egiz.history_packed where \(Self.ofSeries) order by t_first, kind",
            bounds(from, to))
        for row in packed { try Self.segment(row).append(to: &buffer) }
        let segments = try connection.query(
            "select \(Self.segmentColumns(texts)) from egiz.history_segment where \(Self.ofSeries) order by t_first, seq",
            bounds(from, to))
        for row in segments { try Self.append(row, to: &buffer) }
        let blocks = try connection.query(
            """
            select \(Self.time), seq, kind, numbers[item.place], \(texts ? "texts[item.place]" : "null::text")
            from egiz.history_block, \(Self.places) where \(Self.ofGroup) order by t_first, seq, place
            """, [group] + bounds(from, to).dropFirst() + [member])
        for row in blocks {
            buffer.append(
                time: row.timestamp(0) ?? 0, seq: row.int64(1) ?? 0, kind: try Self.kind(row, 2),
                number: row.double(3) ?? 0, text: row.text(4))
        }
        buffer.settle()
        let (first, end) = (buffer.place(of: from), buffer.place(of: to))
        return first == 0 && end == buffer.count ? buffer : buffer.picked(Array(first..<max(first, end)))
    }

    // MARK: Rows without their samples

    /// The stored rows of the range in the order of their first times, and up to where they are complete: at most `limit` of each
    /// form are looked at.
    func items(from: Int64, to: Int64, limit: Int) throws(EngineError) -> (items: [Item], end: Int64) {
        let most: PostgresValue = .int64(Int64(limit))
        let packed = try connection.query(
            """
            select t_first, t_last, seq, n, kind, minimum, maximum, total, first, last, integral
            from egiz.history_packed where \(Self.ofSeries) order by t_first limit $4
            """, bounds(from, to) + [most])
        let segments = try connection.query(
            "select t_first, t_last, seq, n, kind from egiz.history_segment where \(Self.ofSeries) order by t_first limit $4",
            bounds(from, to) + [most])
        let blocks = try connection.query(
            """
            select \(Self.time), \(Self.time), seq, 1, kind, numbers[item.place], t_first
            from (
                select * from egiz.history_block where \(Self.ofGroup) and $4::int2 = any (members) order by t_first limit $5
            ) block, \(Self.places)
            order by t_first
            """, [group] + bounds(from, to).dropFirst() + [member, most])
        var end = to
        for rows in [packed, segments] where rows.count == limit {
            // What begins with the last one may be incomplete; that it alone fills the limit cannot be.
            end = min(end, max(rows.last?.timestamp(0) ?? to, from + 1))
        }
        if blocks.count >= limit { end = min(end, max(blocks.last?.timestamp(6) ?? to, from + 1)) }
        var items: [Item] = []
        items.reserveCapacity(packed.count + segments.count + blocks.count)
        for (form, rows) in [(Item.Form.packed, packed), (.segment, segments), (.block, blocks)] {
            for row in rows {
                var item = try Self.item(form, row)
                if form == .block {
                    guard item.first >= from else { continue }
                    item.number = row.double(5) ?? 0
                }
                if item.first < end { items.append(item) }
            }
        }
        items.sort { $0.first < $1.first }
        return (items, end)
    }

    private static func item(_ form: Item.Form, _ row: PostgresRow) throws(EngineError) -> Item {
        var item = Item(
            form: form, first: row.timestamp(0) ?? 0, last: row.timestamp(1) ?? 0, seq: row.int64(2) ?? 0,
            count: Int(row.int64(3) ?? 0), kind: try kind(row, 4))
        if form == .packed, let minimum = row.double(5), let maximum = row.double(6), let total = row.double(7),
            let first = row.double(8), let last = row.double(9), let integral = row.double(10)
        {
            item.statistics = SegmentStatistics(
                minimum: minimum, maximum: maximum, total: total, first: first, last: last, integral: integral)
        }
        return item
    }

    /// The samples of these rows, by the place in `items`; without texts.
    func samples(of items: [Item]) throws(EngineError) -> [Int: SampleBuffer] {
        var buffers: [Int: SampleBuffer] = [:]
        var places: [Item.Form: [Int]] = [:]
        for (place, item) in items.enumerated() { places[item.form, default: []].append(place) }
        for (form, places) in places {
            let firsts = places.map { items[$0].first }
            let keys: [PostgresValue] = [
                .int64(series), .int64Array(places.map(Int64.init)), .timestampArray(firsts),
                .int64Array(places.map { form == .packed ? Int64(items[$0].kind.rawValue) : items[$0].seq }),
                .timestamp(microseconds: firsts.min() ?? 0), .timestamp(microseconds: firsts.max() ?? 0),
            ]
            let table = form == .packed ? "history_packed" : "history_segment"
            let columns = form == .packed ? Self.packedColumns(false) : Self.segmentColumns(false)
            if form == .block {
                for place in places {
                    var buffer = SampleBuffer()
                    let item = items[place]
                    buffer.append(time: item.first, seq: item.seq, kind: item.kind, number: item.number)
                    buffers[place] = buffer
                }
                continue
            }
            let rows = try connection.query(
                """
                select \(columns), wanted.place
                from unnest($2, $3, $4) as wanted (place, first, key)
                join egiz.\(table) on series_id = $1 and t_first = wanted.first and \(form == .packed ? "kind" : "seq") = wanted.key
                    and t_first >= $5 and t_first <= $6
                """, keys)
            for row in rows {
                var buffer = SampleBuffer()
                if form == .packed {
                    try Self.segment(row).append(to: &buffer)
                } else {
                    try Self.append(row, to: &buffer)
                }
                if let place = row.int64(rows.columnCount - 1) { buffers[Int(place)] = buffer }
            }
        }
        return buffers
    }

    // MARK: The latest

    /// The last sample before `time`, looking back to `earliest`; nil where there is none.
    func latest(before time: Int64, since earliest: Int64) throws(EngineError) -> HistorySample? {
        // The row that begins last holds a sample that is at least as late as its own first; earlier rows only matter where they
        // reach beyond that.
        let begun = try connection.query(
            """
            select greatest(
                (select t_first from egiz.history_packed
                    where series_id = $1 and t_first >= $2 and t_first < $3 order by t_first desc limit 1),
                (select t_first from egiz.history_segment
                    where series_id = $1 and t_first >= $2 and t_first < $3 order by t_first desc limit 1),
                (select max(\(Self.time)) from egiz.history_block, unnest(array_positions(members, $5::int2)) as item (place)
                    where series_group = $4 and t_first >= $2 and t_first < $3 and \(Self.time) < $3))
            """, bounds(earliest, time) + [group, member])
        guard let start = begun.first?.timestamp(0) else { return nil }
        let samples = try samples(from: start, to: time, texts: true)
        return samples.isEmpty ? nil : HistorySample(samples, at: samples.count - 1)
    }

    // MARK: Decoding

    private static func packedColumns(_ texts: Bool) -> String {
        texts ? PackedSegment.columns : PackedSegment.columns.replacingLast("texts", with: "null::text[]")
    }

    private static func segmentColumns(_ texts: Bool) -> String {
        "seq, kind, times, numbers, \(texts ? "texts" : "null::text[]")"
    }

    private static func segment(_ row: PostgresRow) throws(EngineError) -> PackedSegment {
        guard let segment = PackedSegment(row) else { throw unknown }
        return segment
    }

    private static func append(_ row: PostgresRow, to buffer: inout SampleBuffer) throws(EngineError) {
        guard let times = row.times(2) else { throw unknown }
        let numbers = row.doubles(3) ?? []
        let texts = row.textArray(4) ?? []
        buffer.append(
            times: times[...], seq: row.int64(0) ?? 0, kind: try kind(row, 1), numbers: numbers[...], texts: texts[...])
    }

    private static func kind(_ row: PostgresRow, _ column: Int) throws(EngineError) -> SampleKind {
        guard let kind = row.int64(column).flatMap({ SampleKind(rawValue: Int16(clamping: $0)) }) else { throw unknown }
        return kind
    }

    private static var unknown: EngineError {
        EngineError(.state, .stop, "history holds a segment of a kind that this version does not know; upgrade it")
    }
}

extension String {
    /// Replaces the last word of a list of columns.
    fileprivate func replacingLast(_ word: String, with other: String) -> String {
        hasSuffix(word) ? String(dropLast(word.count)) + other : self
    }
}

extension HistorySample {
    init(_ samples: SampleBuffer, at place: Int) {
        let kind = samples.kinds[place]
        self.init(
            time: EventTime(microseconds: samples.times[place]), kind: kind,
            number: kind == .number || kind == .boolean ? samples.numbers[place] : nil,
            text: samples.texts.isEmpty ? nil : samples.texts[place])
    }
}
