import EgizCore
public import EgizTwin

/// What history says of a thing at one time.
public struct HistoryState: Sendable, Equatable {
    public struct Value: Sendable, Equatable {
        public var path: String
        /// The last sample at or before the time; of kind `absent` where the path did not exist then.
        public var sample: HistorySample

        public init(path: String, sample: HistorySample) {
            self.path = path
            self.sample = sample
        }
    }

    /// Covered paths, ascending.
    public var values: [Value]
    /// Paths that have history, but none up to then (or none that retention has kept), ascending: nothing is known of them.
    public var uncovered: [String]

    /// The last of all paths of the thing that were looked at; nil: there are no more.
    public var next: String?

    /// Of all paths that have history, the part that is covered: 1 where nothing is missing, 0 without history.
    public var coverage: Double {
        let all = values.count + uncovered.count
        return all == 0 ? 0 : Double(values.count) / Double(all)
    }
}

extension HistoryQueries {
    /// How long all paths together may take: each is a look at the newest rows of its series.
    public static let mostOfState: Duration = .seconds(15)

    /// The last samples of the paths of a thing at or before a time, in one snapshot; nil where the thing was never seen. Looks
    /// back 400 days.
    ///
    /// - Parameters:
    ///   - paths: Only these; none: all.
    ///   - after: Only paths behind this one; `limit` of them at most.
    ///   - deadline: Errors: SQLSTATE 57014 in `detail` beyond it.
    public func state(
        _ thing: ThingID, at time: EventTime, paths: [String] = [], after: String? = nil, limit: Int? = nil,
        within deadline: Duration = HistoryQueries.mostOfState
    ) async throws -> HistoryState? {
        try await pool.read { connection in
            let begun = ContinuousClock.now
            var conditions = ["thing_id = $1"]
            var parameters: [PostgresValue] = [.text(thing.text)]
            if !paths.isEmpty {
                parameters.append(.textArray(paths))
                conditions.append("path = any ($\(parameters.count))")
            }
            if let after {
                parameters.append(.text(after))
                conditions.append("path > $\(parameters.count)")
            }
            var page = ""
            if let limit {
                parameters.append(.int64(Int64(limit) + 1))
                page = " limit $\(parameters.count)"
            }
            var series = try connection.query(
                "select series_id, path from egiz.series where \(conditions.joined(separator: " and ")) order by path\(page)",
                parameters)[...]
            guard !series.isEmpty else {
                return try Self.isKnown(thing, connection) ? HistoryState(values: [], uncovered: []) : nil
            }
            var state = HistoryState(values: [], uncovered: [])
            let end = time.advanced(byMicroseconds: 1).microseconds
            let earliest = time.advanced(byMicroseconds: -Self.longestHold).microseconds
            if let limit, series.count > limit {
                series = series.prefix(limit)
                state.next = series.last?.text(1)
            }
            for row in series {
                guard begun.duration(to: .now) < deadline else {
                    throw EngineError(
                        .postgres, .never, "the state of a thing with \(series.count) paths took too long",
                        detail: "57014")
                }
                guard let id = row.int64(0), let path = row.text(1) else { continue }
                let reader = HistoryReader(connection: connection, series: id)
                if let sample = try reader.latest(before: end, since: earliest) {
                    state.values.append(.init(path: path, sample: sample))
                } else {
                    state.uncovered.append(path)
                }
            }
            return state
        }
    }
}
