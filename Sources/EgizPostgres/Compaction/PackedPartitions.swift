import EgizCore

/// Makes the partition trees of retention classes, and their partitions, before they are needed; in transactions of their own. What
/// was dropped because it is past its retention is never made again: the horizon stands before it.
struct PackedPartitions {
    private var known: Set<PackedInterval> = []
    private var classes: Set<Int32> = [0]

    mutating func forget() {
        known = []
        classes = [0]
    }

    /// The partitions of those classes that hold any of `times`.
    mutating func ensure(
        _ retentions: Set<Int32>, _ times: Range<Int64>, _ connection: PostgresConnection
    ) throws(EngineError) {
        for retention in retentions.sorted() {
            try ensureClass(retention, connection)
            var next = PackedInterval(retention: retention, holding: times.lowerBound)
            while next.start < times.upperBound {
                if !known.contains(next) {
                    try create(next, connection)
                    known.insert(next)
                }
                next.number += 1
            }
        }
    }

    private mutating func ensureClass(_ retention: Int32, _ connection: PostgresConnection) throws(EngineError) {
        guard !classes.contains(retention) else { return }
        let tree = PackedInterval.tree(retention)
        try connection.transaction { connection throws(EngineError) in
            try connection.execute("select pg_advisory_xact_lock(\(Migrator.lockKey))")
            _ = try connection.query(
                "insert into egiz.history_class (retention) values ($1) on conflict do nothing",
                [.int64(Int64(retention))])
            let there = try connection.query("select to_regclass('egiz.\(tree)') is not null")
            guard there.first?.bool(0) != true else { return }
            try connection.execute(
                """
                create table egiz.\(tree) (like egiz.history_packed including all) partition by range (t_first);
                alter table egiz.history_packed attach partition egiz.\(tree) for values in (\(retention))
                """)
        }
        classes.insert(retention)
    }

    private func create(_ interval: PackedInterval, _ connection: PostgresConnection) throws(EngineError) {
        let there = try connection.query("select to_regclass('egiz.\(interval.table)') is not null")
        guard there.first?.bool(0) != true else { return }
        // Attaching locks no reader and no writer out, `create table … partition of` would.
        try connection.transaction { connection throws(EngineError) in
            try connection.execute("select pg_advisory_xact_lock(\(Migrator.lockKey))")
            try connection.execute(
                """
                create table egiz.\(interval.table) (like egiz.\(PackedInterval.tree(interval.retention)) including all);
                alter table egiz.\(PackedInterval.tree(interval.retention)) attach partition egiz.\(interval.table)
                    for values from (\(HistoryInterval.bound(interval.start))) to (\(HistoryInterval.bound(interval.end)))
                """)
        }
    }
}
