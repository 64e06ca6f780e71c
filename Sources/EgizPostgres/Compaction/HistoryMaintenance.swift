public import EgizCore
public import EgizTwin

/// Keeps history in shape: compacts what is closed, drops what is past its retention. Several may run; one of them works.
/// Confined to the thread of its connection.
public final class HistoryMaintenance {
    public struct Report: Sendable {
        public var closed: EventTime?
        public var progress: HistoryCompactor.Progress
        /// Tables that were dropped.
        public var dropped: [String]
        /// What is left to be compacted.
        public var debt: HistoryStatus.Form
        public var classes: [HistoryStatus.RetentionClass]
    }

    /// So many rows gone make it worth while to vacuum at once instead of when autovacuum comes by.
    private static let mostDeadRows = 20_000

    private let connection: PostgresConnection
    private let compactor: HistoryCompactor

    public init(_ connection: PostgresConnection, _ configuration: HistoryCompactor.Configuration) {
        self.connection = connection
        compactor = HistoryCompactor(connection, configuration)
    }

    /// One round; nil where another process is at it. `closed` replaces what stream time says.
    ///
    /// `pause` is called after each batch with what was done so far and how long the batch took; false ends the round.
    public func round(
        upTo closed: EventTime? = nil, pause: (HistoryCompactor.Progress, Duration) -> Bool
    ) throws(EngineError) -> Report? {
        guard try compactor.acquire() else { return nil }
        let end: EventTime?
        if let closed { end = closed } else { end = try compactor.closed() }
        var progress = HistoryCompactor.Progress()
        var isWhole = true
        if let end {
            progress = try compactor.pass(upTo: end) { done, took throws(EngineError) in
                isWhole = pause(done, took)
                return isWhole
            }
        }
        var dropped: [String] = []
        if isWhole {
            // Without truncation, for which a COPY would have to wait.
            if progress.rows >= Self.mostDeadRows {
                try connection.execute("vacuum (truncate false) egiz.history_block")
                try connection.execute("vacuum (truncate false) egiz.history_segment")
            }
            dropped = try HistoryExpiry(connection).run(closed: end?.microseconds)
        }
        return Report(
            closed: end, progress: progress, dropped: dropped, debt: try HistoryStatus.debt(connection, end),
            classes: try HistoryStatus.classes(connection))
    }

    public func release() { compactor.release() }
}
