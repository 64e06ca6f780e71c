import EgizCore
public import EgizTwin

/// Several series at once, in one snapshot.
extension HistoryQueries {
    /// The first samples of each range, in their order; empty where there is no such series, nil where the thing was never seen.
    public func samples(_ ranges: [Range], limit: Int) async throws -> [[HistorySample]]? {
        try await many(ranges, empty: []) { reader, range throws(EngineError) in
            try Self.samples(reader, range, limit: limit)
        }
    }

    /// The intervals of each range; as `buckets` of one.
    public func buckets(
        _ ranges: [Range], interval: Int64, aggregates: Aggregates, limit: Int
    ) async throws -> [[HistoryBucket]]? {
        let found = try await many(ranges, empty: []) { reader, range throws(EngineError) in
            try Self.fold(reader, range, interval: interval, aggregates, limit: limit)
        }
        if let found { try Self.check(found.lazy.joined(), aggregates) }
        return found
    }

    private func many<Value: Sendable>(
        _ ranges: [Range], empty: Value, _ read: @escaping @Sendable (HistoryReader, Range) throws(EngineError) -> Value
    ) async throws -> [Value]? {
        try await pool.read { connection in
            guard let thing = ranges.first?.thing, try Self.isKnown(thing, connection) else { return nil }
            var results: [Value] = []
            for range in ranges {
                if let series = try Self.series(range, connection) {
                    results.append(try read(HistoryReader(connection: connection, series: series), range))
                } else {
                    results.append(empty)
                }
            }
            return results
        }
    }

    /// Errors: SQLSTATE 22003 where a sum exceeds float8.
    private static func check(_ buckets: some Sequence<HistoryBucket>, _ aggregates: Aggregates) throws(EngineError) {
        guard aggregates.contains(.sum) else { return }
        for bucket in buckets {
            guard bucket.sum?.isFinite ?? true else {
                throw EngineError(.postgres, .never, "a sum exceeds what float8 can hold", detail: "22003")
            }
        }
    }

    // MARK: Many things

    /// What the numbers of one path of many things come to.
    public struct Aggregate: Sendable {
        /// Things that had a number in the range.
        public var things: Int
        /// Things that were asked about and have the series.
        public var series: Int
        /// The condition fits more things than were looked at.
        public var isCut: Bool
        public var buckets: [HistoryBucket]
    }

    /// Things that one aggregate looks at, at most.
    public static let mostThings = 1000
    /// For one aggregate; below the deadline of the API, so that the answer can still say what happened.
    private static let longestAggregate: Duration = .seconds(20)

    /// The numbers of one path of all things that a filter finds, together: each interval with the least, the greatest, the sum and the
    /// count of all. `first`, `last` and averages over time have no meaning for many things, and are not reckoned.
    ///
    /// Errors: as of `buckets`.
    public func aggregate(
        path: String, of filter: TwinQueries.Filter, from: EventTime, to: EventTime, interval: Int64,
        aggregates: Aggregates, limit: Int
    ) async throws -> Aggregate {
        if filter.scope.isEmpty { return Aggregate(things: 0, series: 0, isCut: false, buckets: []) }
        let result = try await pool.read { connection in
            let (sql, parameters) = TwinQueries.seriesStatement(filter, path: path, limit: Self.mostThings)
            let rows = try connection.query(sql, parameters)
            var merged = BucketMerge()
            var things = 0
            let taken = rows.prefix(Self.mostThings)
            let deadline = ContinuousClock.now.advanced(by: Self.longestAggregate)
            for row in taken {
                guard let thing = row.text(0).flatMap({ try? ThingID(validating: $0) }), let series = row.int64(1)
                else {
                    continue
                }
                guard ContinuousClock.now < deadline else {
                    throw EngineError(.postgres, .never, "an aggregate over many things took too long", detail: "57014")
                }
                let buckets = try Self.fold(
                    HistoryReader(connection: connection, series: series),
                    Range(thing: thing, path: path, from: from, to: to), interval: interval, aggregates, limit: limit)
                if buckets.contains(where: { $0.count > 0 }) { things += 1 }
                merged.add(buckets)
            }
            return Aggregate(
                things: things, series: taken.count, isCut: rows.count > taken.count,
                buckets: Array(merged.sorted.prefix(limit)))
        }
        try Self.check(result.buckets, aggregates)
        return result
    }
}
