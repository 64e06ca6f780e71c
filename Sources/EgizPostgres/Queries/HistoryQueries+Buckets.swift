import EgizCore
import EgizTwin

extension HistoryQueries {
    /// What to compute for each interval; count and skipped always are.
    public struct Aggregates: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        public static let extremes = Aggregates(rawValue: 1)
        public static let sum = Aggregates(rawValue: 2)
        public static let ends = Aggregates(rawValue: 4)
    }

    /// The intervals of the range that hold samples, ascending, up to `limit`; nil where the thing was never seen.
    ///
    /// The first and last interval see only the samples inside the range. `interval` is in microseconds.
    /// Errors: as of `PostgresPool.run`; SQLSTATE 22003 in `detail` where a sum exceeds float8.
    public func buckets(
        _ range: Range, interval: Int64, aggregates: Aggregates, limit: Int
    ) async throws -> [HistoryBucket]? {
        try await pool.read { connection in
            guard let series = try Self.series(range, connection) else {
                return try Self.isKnown(range.thing, connection) ? [] : nil
            }
            let bounds: [PostgresValue] = [
                .int64(series), .timestamp(microseconds: range.from.microseconds),
                .timestamp(microseconds: range.to.microseconds),
            ]
            let overlapping = try Self.haveOverlaps(bounds, connection)
            let rows = try connection.query(
                Self.bucketStatement(aggregates, overlapping: overlapping),
                bounds + [.int64(interval), .int64(Int64(limit))])
            return rows.map { row in
                HistoryBucket(
                    start: EventTime(microseconds: row.timestamp(0) ?? 0), count: row.int64(1) ?? 0,
                    skipped: row.int64(2) ?? 0,
                    min: row.double(3), max: row.double(4), sum: row.double(5), first: row.double(6),
                    last: row.double(7))
            }
        }
    }

    /// Which segments can hold samples of the range.
    private static let segments = """
        series_id = $1 and t_first >= $2::timestamptz - interval '1 day' and t_first < $3::timestamptz
        and t_last >= $2::timestamptz
        """

    /// Whether any two segments of the range overlap: only then equal times can meet, and only then must all samples be
    /// sorted, which costs more than everything else.
    private static func haveOverlaps(_ bounds: [PostgresValue], _ connection: PostgresConnection) throws -> Bool {
        let rows = try connection.query(
            """
            select exists (
                select from (
                    select t_first,
                        max(t_last) over (order by t_first, seq rows between unbounded preceding and 1 preceding) as reached
                    from egiz.history_segment where \(segments)
                ) segment
                where t_first <= reached
            )
            """, bounds)
        return rows.first?.bool(0) ?? true
    }

    private static func bucketStatement(_ aggregates: Aggregates, overlapping: Bool) -> String {
        let extremes = aggregates.contains(.extremes) ? "min(number), max(number)" : "null::float8, null::float8"
        let sum = aggregates.contains(.sum) ? "sum(number)" : "null::float8"
        let ends =
            aggregates.contains(.ends)
            ? """
            (array_agg(number order by time) filter (where number is not null))[1],
            (array_agg(number order by time desc) filter (where number is not null))[1]
            """ : "null::float8, null::float8"
        return """
            select date_bin($4::int8 * interval '1 microsecond', time, timestamptz 'epoch') as bucket,
                count(number), count(*) - count(number), \(extremes), \(sum), \(ends)
            from (
                select \(overlapping ? "distinct on (sample.time)" : "") sample.time,
                    case segment.kind when \(SampleKind.number.rawValue) then sample.number end as number
                from (select * from egiz.history_segment where \(segments)) segment,
                    unnest(segment.times, segment.numbers) as sample(time, number)
                where sample.time >= $2::timestamptz and sample.time < $3::timestamptz
                \(overlapping ? "order by sample.time, segment.seq desc" : "")
            ) samples
            group by bucket order by bucket limit $5
            """
    }
}
