import EgizCore

/// Creates the partitions of `history_segment` that an epoch needs, in transactions of their own before it (rule 28).
/// Belongs to one connection's thread; remembers what it has seen.
struct HistoryPartitions {
    /// Attaching takes 2 ms, and more the more there are (10 ms at 1600): an epoch whose times are scattered over centuries must
    /// not keep its thread deaf for minutes.
    static let mostACommit = 64
    /// Many partitions in one transaction would need many locks.
    private static let mostAtOnce = 16
    /// How often a table that stands in the way may still be on its way out: retention detaches first and drops then.
    private static let mostDetached = 8

    private var known: Set<Int64> = []
    /// Nil until asked; false where TimescaleDB makes the chunks.
    private var isNative: Bool?
    private var detached = 0

    /// Somebody may have detached a partition (retention): the next epoch looks again.
    mutating func forget() { known.removeAll() }

    /// Errors: `.backoff` where more than `mostACommit` were missing: the first of them are there then, and trying again makes
    /// the next ones.
    mutating func ensure(_ numbers: Set<Int64>, _ connection: PostgresConnection) throws(EngineError) {
        let missing = numbers.subtracting(known).sorted()
        guard !missing.isEmpty else { return }
        guard try native(connection) else {
            known.formUnion(missing)
            return
        }
        // Asked first without a lock: a restarted worker finds nearly all of them.
        let absent = try states(of: missing, connection).filter { $0.state != .attached }.map(\.number)
        let present = Set(missing).subtracting(absent)
        known.formUnion(present)
        let now = absent.prefix(Self.mostACommit)
        for start in stride(from: 0, to: now.count, by: Self.mostAtOnce) {
            let slice = Array(now[start..<min(start + Self.mostAtOnce, now.count)])
            try connection.transaction { connection throws(EngineError) in
                try connection.execute("select pg_advisory_xact_lock(\(Migrator.lockKey))")
                for (number, state) in try states(of: slice, connection) {
                    switch state {
                    case .attached: break
                    case .absent: try create(number, connection)
                    case .leaving: throw onItsWayOut(number)
                    case .detached: throw inTheWay(number)
                    }
                }
            }
            known.formUnion(slice)
        }
        detached = 0
        let left = absent.count - now.count
        guard left == 0 else {
            throw EngineError(
                .postgres, .backoff,
                "the event times of this epoch need \(left) more weekly partitions of history; \(now.count) were made, the next follow at the next attempt"
            )
        }
    }

    private mutating func native(_ connection: PostgresConnection) throws(EngineError) -> Bool {
        if let isNative { return isNative }
        let rows = try connection.query(
            "select relkind = 'p' from pg_class where oid = 'egiz.history_segment'::regclass")
        let answer = rows.first?.bool(0) ?? false
        isNative = answer
        return answer
    }

    // `create table … partition of` would lock out every reader of history; attaching does not.
    private func create(_ number: Int64, _ connection: PostgresConnection) throws(EngineError) {
        let name = HistoryInterval.tableName(of: number)
        try connection.execute(
            """
            create table egiz.\(name) (like egiz.history_segment including all);
            \(attach(number))
            """)
    }

    private func attach(_ number: Int64) -> String {
        let from = HistoryInterval.bound(HistoryInterval.start(of: number))
        let to = HistoryInterval.bound(HistoryInterval.start(of: number + 1))
        return
            "alter table egiz.history_segment attach partition egiz.\(HistoryInterval.tableName(of: number)) for values from (\(from)) to (\(to))"
    }

    private enum State {
        case attached, absent
        /// Being detached, which waits for every transaction that has read it, such as a nightly dump.
        case leaving
        /// A table of that name is there and is none of ours any more.
        case detached
    }

    /// In the order given.
    private func states(of numbers: [Int64], _ connection: PostgresConnection) throws(EngineError)
        -> [(number: Int64, state: State)]
    {
        let rows = try connection.query(
            """
            select relation is not null, (
                select inhdetachpending from pg_inherits
                where inhparent = 'egiz.history_segment'::regclass and inhrelid = relation)
            from unnest($1) with ordinality as wanted (name, place), to_regclass(wanted.name) as relation
            order by place
            """, [.textArray(numbers.map { "egiz." + HistoryInterval.tableName(of: $0) })])
        return zip(numbers, rows).map { number, row in
            guard let isLeaving = row.bool(1) else { return (number, row.bool(0) == true ? .detached : .absent) }
            return (number, isLeaving ? .leaving : .attached)
        }
    }

    /// Retention is at it; however long that takes, trying again helps.
    private func onItsWayOut(_ number: Int64) -> EngineError {
        EngineError(
            .postgres, .backoff,
            "egiz.\(HistoryInterval.tableName(of: number)) is being detached by retention, which waits for transactions that have read it; the epoch waits for that",
            detail: "42P07")
    }

    /// A table that was detached and not dropped. For a moment that is how retention works; for longer somebody must say what is
    /// to become of it, and no trying again helps.
    private mutating func inTheWay(_ number: Int64) -> EngineError {
        detached += 1
        let name = "egiz." + HistoryInterval.tableName(of: number)
        return EngineError(
            .postgres, detached < Self.mostDetached ? .backoff : .stop,
            "the table \(name) was detached from egiz.history_segment and is in the way of its new partition: drop it (`drop table \(name)`) or attach it again (`\(attach(number))`)",
            detail: "42P07")
    }
}
