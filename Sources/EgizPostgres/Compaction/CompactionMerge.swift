import EgizCore

/// Merges what a batch took with the compacted segments around it, and writes what comes of it.
struct CompactionMerge {
    private struct Series {
        var id: Int64
        var retention: Int32
        var horizon: Int64?
        var fresh: SampleBuffer
        var known: [SlotPlan.Known] = []
        var plan = SlotPlan(times: [], known: [], closed: 0)
    }

    private var series: [Series] = []
    /// The end of the batch: nothing is merged into an interval that ends later.
    private let closed: Int64
    /// Everything before it may have been compacted already, into intervals as wide as end before it.
    private let reach: Int64
    private(set) var written = 0
    /// Samples that were behind the horizon of their class by now, or of series that were erased.
    private(set) var dropped = 0
    /// The former, by class.
    private(set) var expired: [Int32: Int] = [:]

    /// Drops what belongs to erased series or lies behind the horizon of its class.
    init(_ batch: CompactionBatch, reach: Int64, _ connection: PostgresConnection) throws(EngineError) {
        closed = batch.upper
        self.reach = max(reach, batch.upper)
        let rows = try connection.query(
            """
            select series.series_id, series.retention, class.horizon from egiz.series
            left join egiz.history_class class using (retention)
            where series_id = any ($1) order by series_id
            """, [.int64Array(batch.series)])
        for row in rows {
            guard let id = row.int64(0), let retention = row.int64(1) else { continue }
            var fresh = batch.members[Int(id & HistoryBlocks.memberMask)]
            if let horizon = row.timestamp(2) {
                let place = fresh.place(of: horizon)
                if place > 0 {
                    fresh = fresh.picked(Array(place..<fresh.count))
                    expired[Int32(clamping: retention), default: 0] += place
                }
            }
            guard !fresh.isEmpty else { continue }
            series.append(
                Series(id: id, retention: Int32(clamping: retention), horizon: row.timestamp(2), fresh: fresh))
        }
        dropped = batch.samples - series.reduce(0) { $0 + $1.fresh.count }
    }

    /// Reads, plans, deletes and writes; in the transaction of the batch.
    mutating func run(_ connection: PostgresConnection) throws(EngineError) {
        guard !series.isEmpty else { return }
        try readKnown(connection)
        for index in series.indices { replan(index) }
        // Segments that must be cut at new borders; each round leaves fewer.
        while true {
            var wanted: [(Int, Int)] = []
            for index in series.indices {
                for known in series[index].plan.opened { wanted.append((index, known)) }
            }
            if wanted.isEmpty { break }
            let opened = try take(wanted, connection)
            for (index, segment) in opened { segment.append(to: &series[index].fresh) }
            for index in Set(opened.map(\.0)) {
                series[index].fresh.settle()
                let gone = Set(series[index].plan.opened)
                series[index].known = series[index].known.enumerated().filter { !gone.contains($0.offset) }
                    .map(\.element)
                replan(index)
            }
        }
        try write(connection)
    }

    private mutating func replan(_ index: Int) {
        series[index].plan = SlotPlan(
            times: series[index].fresh.times, textBytes: series[index].fresh.textBytes, known: series[index].known,
            closed: closed)
    }

    // MARK: Reading

    /// Learns which compacted segments lie in the closed intervals around the fresh samples, and in those that the series left
    /// behind with them: these are complete now and may become one.
    private mutating func readKnown(_ connection: PostgresConnection) throws(EngineError) {
        let previous = try previousTimes(connection)
        var places: [Int64?] = []
        var ids: [Int64?] = []
        var from: [Int64?] = []
        var to: [Int64?] = []
        var firsts: [Int64?] = []
        var earliest: [Int64?] = []
        for (place, series) in series.enumerated() {
            guard let first = series.fresh.times.first, let last = series.fresh.times.last else { continue }
            var lower = min(first, IntervalLadder.widest(around: first, closed: closed)?.lowerBound ?? first)
            if let previous = previous[place] {
                for width in IntervalLadder.widths {
                    let start = IntervalLadder.start(of: previous, width)
                    if start + width <= closed, start + width <= first {
                        lower = min(lower, start)
                        break
                    }
                }
            }
            // What lies behind the horizon of the class has no partition to be rewritten into, and is on its way out.
            if let horizon = series.horizon { lower = min(first, max(lower, horizon)) }
            places.append(Int64(place))
            ids.append(series.id)
            from.append(lower)
            firsts.append(first)
            earliest.append(
                min(lower, IntervalLadder.widest(around: first, closed: reach)?.lowerBound ?? lower))
            to.append(max(last + 1, IntervalLadder.widest(around: last, closed: closed)?.upperBound ?? last))
        }
        let bounds = (earliest.compactMap(\.self).min() ?? 0, to.compactMap(\.self).max() ?? 0)
        let rows = try connection.query(
            """
            select wanted.place, packed.t_first, packed.t_last, packed.n, packed.kind,
                coalesce(pg_column_size(packed.texts), 0)
            from unnest($1, $2, $3, $4, $7, $8) as wanted (place, series_id, lower, upper, earliest, first)
            join egiz.history_packed packed on packed.series_id = wanted.series_id and packed.t_first >= wanted.earliest
                and packed.t_first < wanted.upper and packed.t_first >= $5 and packed.t_first < $6
                and (packed.t_first >= wanted.lower or packed.t_last >= wanted.first)
            order by wanted.place, packed.t_first, packed.kind
            """,
            [
                .int64Array(places), .int64Array(ids), .timestampArray(from), .timestampArray(to),
                .timestamp(microseconds: bounds.0), .timestamp(microseconds: bounds.1), .timestampArray(earliest),
                .timestampArray(firsts),
            ])
        for row in rows {
            guard let place = row.int64(0), let first = row.timestamp(1), let last = row.timestamp(2),
                let count = row.int64(3), let kind = row.int64(4)
            else { continue }
            series[Int(place)].known.append(
                SlotPlan.Known(
                    first: first, last: last, count: Int(count), kind: Int16(clamping: kind),
                    textBytes: Int(row.int64(5) ?? 0)))
        }
    }

    /// When the last compacted segment before the fresh samples begins, by place; at most two days before.
    private func previousTimes(_ connection: PostgresConnection) throws(EngineError) -> [Int: Int64] {
        let firsts = series.map { $0.fresh.times.first ?? 0 }
        let lowest = (firsts.min() ?? 0) - 2 * HistoryInterval.day
        let rows = try connection.query(
            """
            select wanted.place, before.t_first
            from unnest($1, $2) with ordinality as wanted (series_id, first, place)
            cross join lateral (
                select packed.t_first from egiz.history_packed packed
                where packed.series_id = wanted.series_id and packed.t_first < wanted.first
                    and packed.t_first >= wanted.first - interval '48 hours'
                    and packed.t_first >= $3 and packed.t_first < $4
                order by packed.t_first desc limit 1
            ) before
            """,
            [
                .int64Array(series.map(\.id)), .timestampArray(firsts), .timestamp(microseconds: lowest),
                .timestamp(microseconds: firsts.max() ?? 0),
            ])
        var previous: [Int: Int64] = [:]
        for row in rows {
            guard let place = row.int64(0), let time = row.timestamp(1) else { continue }
            previous[Int(place) - 1] = time
        }
        return previous
    }

    /// Takes compacted segments out of the table: pairs of the series' place and the segment's.
    private func take(
        _ wanted: [(Int, Int)], _ connection: PostgresConnection
    ) throws(EngineError) -> [(Int, PackedSegment)] {
        guard !wanted.isEmpty else { return [] }
        let firsts = wanted.map { series[$0.0].known[$0.1].first }
        let rows = try connection.query(
            """
            with gone as (
                delete from egiz.history_packed packed
                using unnest($1, $2, $3, $4) as wanted (place, series_id, t_first, kind)
                where packed.series_id = wanted.series_id and packed.t_first = wanted.t_first
                    and packed.kind = wanted.kind and packed.t_first >= $5 and packed.t_first <= $6
                returning wanted.place, packed.*
            )
            select place, \(PackedSegment.columns) from gone order by place, t_first, kind
            """,
            [
                .int64Array(wanted.map { Int64($0.0) }), .int64Array(wanted.map { series[$0.0].id }),
                .timestampArray(firsts), .int64Array(wanted.map { Int64(series[$0.0].known[$0.1].kind) }),
                .timestamp(microseconds: firsts.min() ?? 0), .timestamp(microseconds: firsts.max() ?? 0),
            ])
        var segments: [(Int, PackedSegment)] = []
        segments.reserveCapacity(rows.count)
        for row in rows {
            guard let place = row.int64(0), let segment = PackedSegment(row, at: 1) else {
                throw EngineError(
                    .state, .stop, "history holds a segment of a form that this version does not know; upgrade it")
            }
            segments.append((Int(place), segment))
        }
        return segments
    }

    // MARK: Writing

    private mutating func write(_ connection: PostgresConnection) throws(EngineError) {
        var wanted: [(Int, Int)] = []
        for index in series.indices {
            for rewrite in series[index].plan.rewrites { wanted += rewrite.known.map { (index, $0) } }
        }
        var taken: [Int: [PackedSegment]] = [:]
        for (index, segment) in try take(wanted, connection) { taken[index, default: []].append(segment) }
        var count = 0
        try connection.copyIn(PackedSegment.copy) { copy throws(EngineError) in
            for index in series.indices {
                for rewrite in series[index].plan.rewrites {
                    let samples = gather(rewrite, series[index], taken[index] ?? [])
                    count += try Self.write(samples, series[index].id, series[index].retention, &copy)
                }
            }
        }
        written = count
    }

    private func gather(_ rewrite: SlotPlan.Rewrite, _ series: Series, _ taken: [PackedSegment]) -> SampleBuffer {
        var samples = SampleBuffer()
        var known = rewrite.known.map { (series.known[$0].first, series.known[$0].kind) }
        let firstFresh = rewrite.fresh.isEmpty ? Int64.max : series.fresh.times[rewrite.fresh.lowerBound]
        // Older segments first: then mostly nothing need be sorted.
        var isFreshOpen = !rewrite.fresh.isEmpty
        known.sort { $0 < $1 }
        for (first, kind) in known {
            if isFreshOpen, first > firstFresh {
                samples.append(series.fresh, rewrite.fresh)
                isFreshOpen = false
            }
            for segment in taken where segment.first == first && segment.kind.rawValue == kind {
                segment.append(to: &samples)
            }
        }
        if isFreshOpen { samples.append(series.fresh, rewrite.fresh) }
        samples.settle()
        return samples
    }

    private static func write(
        _ samples: SampleBuffer, _ series: Int64, _ retention: Int32, _ copy: inout CopyBinary
    ) throws(EngineError) -> Int {
        var rows = 0
        for (_, places) in samples.placesByKind(0..<samples.count) {
            for row in samples.rows(places) {
                let segment = PackedSegment(series: series, retention: retention, samples.picked(Array(row)))
                try segment.write(&copy)
                rows += 1
            }
        }
        return rows
    }
}
