import EgizCore
public import EgizTwin

/// Reads history straight from the stored rows, because a page needs only the first of them and an aggregate mostly only their
/// statistics. It follows the rules of `egiz.history`: of equal times the row with the higher seq wins (rule 23).
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
            return try Self.samples(HistoryReader(connection: connection, series: series), range, limit: limit)
        }
    }

    static func samples(_ reader: HistoryReader, _ range: Range, limit: Int) throws(EngineError) -> [HistorySample] {
        var samples: [HistorySample] = []
        var from = range.from.microseconds
        let to = range.to.microseconds
        while samples.count < limit, from < to {
            let cut = try reader.cut(from: from, to: to, samples: limit - samples.count)
            let buffer = try reader.samples(from: from, to: cut, texts: true)
            for place in 0..<min(buffer.count, limit - samples.count) {
                samples.append(HistorySample(buffer, at: place))
            }
            from = cut
        }
        return samples
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
}
