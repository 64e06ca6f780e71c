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

    /// Of all paths that have history, the part that is covered: 1 where nothing is missing, 0 without history.
    public var coverage: Double {
        let all = values.count + uncovered.count
        return all == 0 ? 0 : Double(values.count) / Double(all)
    }
}

extension HistoryQueries {
    /// The last samples of all paths of a thing at or before a time, in one snapshot; nil where the thing was never seen. Looks
    /// back 400 days.
    public func state(_ thing: ThingID, at time: EventTime) async throws -> HistoryState? {
        try await pool.read { connection in
            let series = try connection.query(
                "select series_id, path from egiz.series where thing_id = $1 order by path", [.text(thing.text)])
            guard !series.isEmpty else {
                return try Self.isKnown(thing, connection) ? HistoryState(values: [], uncovered: []) : nil
            }
            var state = HistoryState(values: [], uncovered: [])
            let after = time.advanced(byMicroseconds: 1).microseconds
            let earliest = time.advanced(byMicroseconds: -Self.longestHold).microseconds
            for row in series {
                guard let id = row.int64(0), let path = row.text(1) else { continue }
                let reader = HistoryReader(connection: connection, series: id)
                if let sample = try reader.latest(before: after, since: earliest) {
                    state.values.append(.init(path: path, sample: sample))
                } else {
                    state.uncovered.append(path)
                }
            }
            return state
        }
    }
}
