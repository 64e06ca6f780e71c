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
        public var classes: [HistoryStatus.RetentionClass]
    }

    /// What a round found, for the one after it: what needs compaction is looked for again when more is closed, and for late
    /// samples now and then. To look for it means to look through all that is not compacted.
    public struct Memory: Sendable {
        /// All that was before it had been compacted at that moment.
        fileprivate var done: (closed: EventTime, at: ContinuousClock.Instant)?

        public init() {}

        fileprivate func covers(_ closed: EventTime?, at now: ContinuousClock.Instant) -> Bool {
            guard let done, let closed else { return false }
            return closed <= done.closed && done.at.duration(to: now) < HistoryMaintenance.lateInterval
        }
    }

    /// How long late samples may wait before they are looked for.
    static let lateInterval: Duration = .seconds(600)

    /// So many rows gone make it worth while to vacuum at once instead of when autovacuum comes by.
    private static let mostDeadRows = 20_000

    private let connection: PostgresConnection
    private let compactor: HistoryCompactor

    public init(_ connection: PostgresConnection, _ configuration: HistoryCompactor.Configuration) {
        self.connection = connection
        compactor = HistoryCompactor(connection, configuration)
    }

    /// One round; nil where another process is at it. `closed` replaces what stream time says; then, and with a fresh `memory`,
    /// everything is looked at.
    ///
    /// `pause` is called after each batch with what was done so far and how long the batch took; false ends the round. Where
    /// something cannot be compacted all else is, retention does its work, and then the error is thrown.
    public func round(
        _ memory: inout Memory, upTo closed: EventTime? = nil, at now: ContinuousClock.Instant = .now,
        pause: (HistoryCompactor.Progress, Duration) -> Bool
    ) throws(EngineError) -> Report? {
        guard try compactor.acquire() else { return nil }
        let end: EventTime?
        if let closed { end = closed } else { end = try compactor.closed() }
        var progress = HistoryCompactor.Progress()
        var isWhole = true
        var failure: EngineError?
        let isCovered = closed == nil && memory.covers(end, at: now)
        if let end, !isCovered {
            memory = Memory()
            do throws(EngineError) {
                progress = try compactor.pass(upTo: end) { done, took throws(EngineError) in
                    progress = done
                    isWhole = pause(done, took)
                    return isWhole
                }
                if isWhole { memory.done = (end, now) }
            } catch {
                guard !connection.isBroken else { throw error }
                failure = error
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
        if let failure { throw failure }
        return Report(
            closed: end, progress: progress, dropped: dropped, classes: try HistoryStatus.classes(connection))
    }

    public func release() { compactor.release() }
}
