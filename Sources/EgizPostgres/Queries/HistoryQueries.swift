import EgizCore
public import EgizTwin

/// Reads history straight from the segments, because a page needs only the first of them. It follows the rules of
/// `egiz.history`: of equal times the segment with the higher seq wins (rule 23), and a segment that can hold the time
/// t starts at most a day before t (rule 24), so that partitions are pruned.
public struct HistoryQueries: Sendable {
    /// The series and the half-open range of time that is asked for.
    public struct Range: Sendable, Equatable {
        public var thing: ThingID
        /// The path as series have it: JSON pointer text.
        public var path: String
        public var from: EventTime
        public var to: EventTime

        public init(thing: ThingID, path: String, from: EventTime, to: EventTime) {
            self.thing = thing
            self.path = path
            self.from = from
            self.to = to
        }
    }

    let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The first samples of the range, ascending in time, up to `limit`; nil where the thing was never seen.
    public func samples(_ range: Range, limit: Int) async throws -> [HistorySample]? {
        try await pool.read { connection in
            guard let series = try Self.series(range, connection) else {
                return try Self.isKnown(range.thing, connection) ? [] : nil
            }
            var samples: [HistorySample] = []
            var from = range.from
            while samples.count < limit, from < range.to {
                let open = limit - samples.count
                let cut = try Self.cut(series, from: from, to: range.to, samples: open, connection)
                samples += try Self.samples(series, from: from, to: cut, limit: open, connection)
                from = cut
            }
            return samples
        }
    }

    static func series(_ range: Range, _ connection: PostgresConnection) throws -> Int64? {
        let rows = try connection.query(
            "select series_id from egiz.series where thing_id = $1 and path = $2",
            [.text(range.thing.text), .text(range.path)])
        return rows.first?.int64(0)
    }

    /// Whether the thing has, or ever had, a twin or history.
    static func isKnown(_ thing: ThingID, _ connection: PostgresConnection) throws -> Bool {
        let rows = try connection.query(
            """
            select exists (select from egiz.twin where thing_id = $1) or exists (select from egiz.series where thing_id = $1)
            """, [.text(thing.text)])
        return rows.first?.bool(0) ?? false
    }

    /// A time up to which the segments hold about `samples` samples: reading no further keeps a page of a long range cheap.
    ///
    /// Always later than `from`. Segments may overlap and repeat times, so fewer may come out; the caller goes on from here.
    private static func cut(
        _ series: Int64, from: EventTime, to: EventTime, samples: Int, _ connection: PostgresConnection
    ) throws -> EventTime {
        let rows = try connection.query(
            """
            select t_first
            from (
                select t_first, sum(n) over (order by t_first, seq rows unbounded preceding) - n as before
                from egiz.history_segment
                where series_id = $1 and t_first >= $2::timestamptz - interval '1 day' and t_first < $3::timestamptz
                    and t_last >= $2::timestamptz
            ) segment
            where before >= $4 and t_first > $2::timestamptz order by t_first limit 1
            """,
            [
                .int64(series), .timestamp(microseconds: from.microseconds), .timestamp(microseconds: to.microseconds),
                .int64(Int64(samples)),
            ])
        guard let time = rows.first?.timestamp(0) else { return to }
        return EventTime(microseconds: time)
    }

    private static func samples(
        _ series: Int64, from: EventTime, to: EventTime, limit: Int, _ connection: PostgresConnection
    ) throws -> [HistorySample] {
        let rows = try connection.query(
            """
            select distinct on (sample.time) sample.time, segment.kind, sample.number, sample.text
            from egiz.history_segment segment,
                unnest(segment.times, segment.numbers, segment.texts) as sample(time, number, text)
            where segment.series_id = $1 and segment.t_first >= $2::timestamptz - interval '1 day'
                and segment.t_first < $3::timestamptz and segment.t_last >= $2::timestamptz
                and sample.time >= $2::timestamptz and sample.time < $3::timestamptz
            order by sample.time, segment.seq desc limit $4
            """,
            [
                .int64(series), .timestamp(microseconds: from.microseconds), .timestamp(microseconds: to.microseconds),
                .int64(Int64(limit)),
            ])
        var samples: [HistorySample] = []
        samples.reserveCapacity(rows.count)
        for row in rows {
            guard let time = row.timestamp(0),
                let kind = row.int64(1).flatMap({ SampleKind(rawValue: Int16(clamping: $0)) })
            else {
                throw EngineError(
                    .state, .stop, "history holds a segment of a kind that this version does not know; upgrade it")
            }
            samples.append(
                HistorySample(time: EventTime(microseconds: time), kind: kind, number: row.double(2), text: row.text(3))
            )
        }
        return samples
    }
}
