import EgizCore

/// Creates the partitions of `history_segment` that an epoch needs, in transactions of their own before it (rule 28).
/// Belongs to one connection's thread; remembers what it has seen.
struct HistoryPartitions {
    /// Many partitions in one transaction would need many locks.
    private static let mostAtOnce = 16

    private var known: Set<Int64> = []
    /// Nil until asked; false where TimescaleDB makes the chunks.
    private var isNative: Bool?

    /// Somebody may have detached a partition (retention): the next epoch looks again.
    mutating func forget() { known.removeAll() }

    mutating func ensure(_ numbers: Set<Int64>, _ connection: PostgresConnection) throws(EngineError) {
        let missing = numbers.subtracting(known).sorted()
        guard !missing.isEmpty else { return }
        if try native(connection) {
            // Asked first without a lock: a restarted worker finds nearly all of them.
            var absent: [Int64] = []
            for number in missing where try !exists(number, connection) { absent.append(number) }
            for start in stride(from: 0, to: absent.count, by: Self.mostAtOnce) {
                let slice = absent[start..<min(start + Self.mostAtOnce, absent.count)]
                try connection.transaction { connection throws(EngineError) in
                    try connection.execute("select pg_advisory_xact_lock(\(Migrator.lockKey))")
                    for number in slice { try create(number, connection) }
                }
            }
        }
        known.formUnion(missing)
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
        guard try !exists(number, connection) else { return }
        let from = bound(HistoryInterval.start(of: number))
        let to = bound(HistoryInterval.start(of: number + 1))
        try connection.execute(
            """
            create table egiz.\(name) (like egiz.history_segment including all);
            alter table egiz.history_segment attach partition egiz.\(name) for values from (\(from)) to (\(to))
            """)
    }

    /// A table that was detached (retention) is none of ours any more; its name must not hide that the partition is missing.
    private func exists(_ number: Int64, _ connection: PostgresConnection) throws(EngineError) -> Bool {
        let rows = try connection.query(
            "select from pg_inherits where inhparent = 'egiz.history_segment'::regclass and inhrelid = to_regclass($1)",
            [.text("egiz.\(HistoryInterval.tableName(of: number))")])
        return !rows.isEmpty
    }

    private func bound(_ microseconds: Int64) -> String {
        "'epoch'::timestamptz + interval '\(microseconds / 1_000_000) seconds'"
    }
}
