public import EgizCore
public import EgizTwin

/// Turns the segments and blocks that epochs wrote into compacted segments (rule 26). One works at a time in a database: whoever
/// holds its advisory lock.
///
/// What is to be done is read from the tables, nothing else is remembered: a pass may end anywhere, and the next one goes on. A
/// batch is one transaction, takes no lock that a COPY waits for, and is done whole or not at all. Confined to one thread.
public final class HistoryCompactor {
    public struct Configuration: Sendable {
        /// How far stream time must be beyond an interval before it is compacted. Late samples open it again; that costs, so wait
        /// as long as most of them need.
        public var grace: Duration = .seconds(300)
        /// The intervals that are closed one after the other.
        public var slice: Duration = .seconds(600)
        /// About how many samples a transaction takes.
        public var mostSamples: Int64 = 300_000

        public init() {}
    }

    /// What a pass did so far.
    public struct Progress: Sendable, Equatable {
        public var batches = 0
        /// Segments and blocks that were taken out.
        public var rows = 0
        public var samples = 0
        /// Compacted segments that were written, rewritten ones included.
        public var written = 0
        /// Samples that were dropped: behind the horizon of their class, or of erased things.
        public var dropped = 0
        /// What is left to be compacted of what the pass found when it began; bytes are reckoned from rows and samples.
        public var left = HistoryStatus.Form.zero

        public init() {}
    }

    static let lockKey: Int64 = 0x6567_697A_636D

    private let connection: PostgresConnection
    private let configuration: Configuration
    private var partitions = PackedPartitions()
    private var isHolding = false

    public init(_ connection: PostgresConnection, _ configuration: Configuration = Configuration()) {
        self.connection = connection
        self.configuration = configuration
    }

    /// Becomes the one compactor of the database; false where another is.
    public func acquire() throws(EngineError) -> Bool {
        if try connection.ensureConnected() { isHolding = false }
        guard !isHolding else { return true }
        // What is lost with a crash of the server was not done then; the next pass does it.
        try connection.execute("set synchronous_commit = off")
        isHolding = try connection.query("select pg_try_advisory_lock(\(Self.lockKey))").first?.bool(0) == true
        if isHolding { partitions.forget() }
        return isHolding
    }

    public func release() {
        guard isHolding, !connection.isBroken else { return }
        try? connection.execute("select pg_advisory_unlock(\(Self.lockKey))")
        isHolding = false
    }

    /// Up to where all intervals are closed: the stream time of the slowest task that has committed within the last minute (of the
    /// fastest, where none has), less the grace. Nil while nothing has a stream time.
    public func closed() throws(EngineError) -> EventTime? {
        let rows = try connection.query(
            """
            select coalesce(
                min(stream_time) filter (where last_commit_at > clock_timestamp() - interval '1 minute'), max(stream_time))
            from egiz.task
            """)
        return rows.first?.timestamp(0).map { closed(at: $0) }
    }

    /// The same for a stream time.
    func closed(at streamTime: Int64) -> EventTime {
        let slice = max(configuration.slice.wholeMilliseconds * 1000, IntervalLadder.second)
        let (time, isBefore) = streamTime.subtractingReportingOverflow(configuration.grace.wholeMilliseconds * 1000)
        return EventTime(microseconds: IntervalLadder.start(of: isBefore ? .min / 2 : time, slice))
    }

    /// Compacts everything before `closed`. After each batch `pause` is told what was done and how long the batch took, and says
    /// whether to go on: there is the place to yield.
    ///
    /// Errors: as of the connection; what was done stays done.
    public func pass(
        upTo closed: EventTime, pause: (Progress, Duration) throws(EngineError) -> Bool
    ) throws(EngineError) -> Progress {
        var progress = Progress()
        let upper = closed.microseconds
        var failure: EngineError?
        let groups = try groups(before: upper)
        progress.left = groups.reduce(.zero) { $0 + $1.open }
        for (group, open) in groups {
            let others = progress.left - open
            let before = progress
            do throws(EngineError) {
                while let oldest = try oldest(of: group, before: upper) {
                    let start = ContinuousClock.now
                    let end = try end(of: group, from: oldest, upTo: upper)
                    try ensurePartitions(group, oldest..<end)
                    try compact(group, before: end, of: upper, &progress)
                    progress.left =
                        others
                        + open.without(rows: progress.rows - before.rows, samples: progress.samples - before.samples)
                    guard try pause(progress, start.duration(to: .now)) else { return progress }
                }
                progress.left = others
            } catch {
                // A group that cannot be compacted must not keep the others from it.
                guard !connection.isBroken else { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return progress
    }

    // MARK: What is to be done

    /// The groups that have something to be compacted, and how much. Looks through all that is not compacted, which costs at most
    /// what compacting it does, and is done once a pass.
    private func groups(before upper: Int64) throws(EngineError) -> [(group: Int64, open: HistoryStatus.Form)] {
        let rows = try connection.query(
            """
            select series_group, sum(rows)::int8, sum(samples)::int8, sum(bytes)::int8 from (
                select series_id >> \(HistoryBlocks.groupBits) as series_group, count(*) as rows, sum(n) as samples,
                    \(HistoryStatus.segmentBytes) as bytes
                from egiz.history_segment where t_first < $1 group by 1
                union all
                select series_group, count(*), sum(n), \(HistoryStatus.blockBytes)
                from egiz.history_block where t_first < $1 group by 1
            ) form
            group by series_group order by series_group
            """, [.timestamp(microseconds: upper)])
        return rows.compactMap { row in
            guard let group = row.int64(0) else { return nil }
            return (
                group,
                HistoryStatus.Form(rows: row.int64(1) ?? 0, samples: row.int64(2) ?? 0, bytes: row.int64(3) ?? 0)
            )
        }
    }

    private func oldest(of group: Int64, before upper: Int64) throws(EngineError) -> Int64? {
        let first = group << HistoryBlocks.groupBits
        let rows = try connection.query(
            """
            select least(
                (select min(t_first) from egiz.history_segment where series_id between $1 and $2 and t_first < $4),
                (select min(t_first) from egiz.history_block where series_group = $3 and t_first < $4))
            """,
            [
                .int64(first), .int64(first + HistoryBlocks.memberMask), .int64(group),
                .timestamp(microseconds: upper),
            ])
        return rows.first?.timestamp(0)
    }

    /// The end of the longest interval from `oldest` on that holds about as many samples as a transaction may take; the shortest
    /// is a minute. Texts count by their size as well, 8 stored bytes as a sample: a day of spectra must not be loaded at once.
    private func end(of group: Int64, from oldest: Int64, upTo upper: Int64) throws(EngineError) -> Int64 {
        let ends = IntervalLadder.widths.prefix(5).map {
            min(upper, IntervalLadder.start(of: oldest, $0) + $0)
        }
        let first = group << HistoryBlocks.groupBits
        let rows = try connection.query(
            """
            select place, coalesce((
                    select sum(n + coalesce(pg_column_size(texts), 0) / 8) from egiz.history_segment
                    where series_id between $1 and $2 and t_first < limits.upper), 0)::int8
                + coalesce((
                    select sum(n + coalesce(pg_column_size(texts), 0) / 8) from egiz.history_block
                    where series_group = $3 and t_first < limits.upper), 0)::int8
            from unnest($4) with ordinality as limits (upper, place) order by place
            """,
            [
                .int64(first), .int64(first + HistoryBlocks.memberMask), .int64(group), .timestampArray(ends),
            ])
        for row in rows where (row.int64(1) ?? 0) <= configuration.mostSamples {
            return ends[Int(row.int64(0) ?? 1) - 1]
        }
        return ends[ends.count - 1]
    }

    private func ensurePartitions(_ group: Int64, _ times: Range<Int64>) throws(EngineError) {
        let first = group << HistoryBlocks.groupBits
        let rows = try connection.query(
            """
            select distinct series.retention, class.horizon from egiz.series
            left join egiz.history_class class using (retention) where series_id between $1 and $2
            """, [.int64(first), .int64(first + HistoryBlocks.memberMask)])
        for row in rows {
            guard let retention = row.int64(0) else { continue }
            // What lies behind the horizon is dropped, and its partition with it.
            let lower = max(times.lowerBound - 3 * HistoryInterval.day, row.timestamp(1) ?? .min)
            guard lower < times.upperBound else { continue }
            try partitions.ensure([Int32(clamping: retention)], lower..<times.upperBound, connection)
        }
    }

    // MARK: Doing it

    private func compact(_ group: Int64, before end: Int64, of closed: Int64, _ progress: inout Progress)
        throws(EngineError)
    {
        do throws(EngineError) {
            try connection.transaction { connection throws(EngineError) in
                // Against erasures: what they remove must not be on its way here.
                try connection.execute("select pg_advisory_xact_lock(\(HistoryErasure.lockKey))")
                let batch = try CompactionBatch(group: group, before: end, connection)
                var merge = try CompactionMerge(batch, reach: closed, connection)
                try merge.run(connection)
                try batch.putBack(connection)
                // At the end: an epoch that counts as well waits no longer than for the commit.
                try HistoryHorizons.count(merge.expired, connection)
                progress.rows += batch.rows
                progress.samples += batch.samples
                progress.written += merge.written
                progress.dropped += merge.dropped
            }
        } catch {
            // A partition that was there is gone: retention, or a hand.
            if error.detail == "23514" { partitions.forget() }
            throw error
        }
        progress.batches += 1
    }
}
