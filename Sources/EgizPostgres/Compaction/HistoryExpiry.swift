import EgizCore

/// Retention (rule 28): raises the horizons of the classes, and drops the partitions that lie behind them. Detaching concurrently
/// locks out neither readers nor writers; a table is dropped when nobody can see it any more. Also drops weeks of segments that
/// the compactor has emptied.
///
/// Everything is looked up anew each time, so that it may be killed anywhere. Confined to the thread of its connection.
struct HistoryExpiry {
    private let connection: PostgresConnection

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// The names of the tables that were dropped. `closed` is up to where the compactor has done its work; nil: weeks of segments
    /// stay.
    func run(closed: Int64?) throws(EngineError) -> [String] {
        try finishDetaching()
        try raiseHorizons()
        var dropped = try dropExpired()
        if let closed { dropped += try dropEmptied(before: closed) }
        return dropped
    }

    /// A horizon stands at the start of a partition: what lies before it is gone as a whole.
    private func raiseHorizons() throws(EngineError) {
        let rows = try connection.query(
            "select retention, clock_timestamp() from egiz.history_class where retention > 0 order by retention")
        for row in rows {
            guard let retention = row.int64(0), let now = row.timestamp(1) else { continue }
            let days = Int32(clamping: retention)
            let horizon = PackedInterval(retention: days, holding: now - Int64(days) * HistoryInterval.day).start
            _ = try connection.query(
                """
                update egiz.history_class set horizon = $2
                where retention = $1 and (horizon is null or horizon < $2)
                """, [.int64(retention), .timestamp(microseconds: horizon)])
        }
    }

    private func dropExpired() throws(EngineError) -> [String] {
        let rows = try connection.query(
            """
            select class.retention, leaf.relname, class.horizon, (extract(epoch from
                    to_date(right(leaf.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') * 1000000)::int8,
                exists (select from pg_inherits where inhrelid = leaf.oid)
            from egiz.history_class class
            join pg_class leaf on leaf.relnamespace = 'egiz'::regnamespace and leaf.relkind = 'r'
                and leaf.relname ~ ('^history_packed_' || class.retention || '_[0-9]{8}$')
            where class.horizon is not null order by leaf.relname
            """)
        var dropped: [String] = []
        for row in rows {
            guard let retention = row.int64(0), let name = row.text(1), let horizon = row.timestamp(2),
                let start = row.int64(3)
            else { continue }
            let days = Int32(clamping: retention)
            guard start + PackedInterval.length(days) <= horizon else { continue }
            if row.bool(4) == true { try detach(name, from: PackedInterval.tree(days)) }
            try connection.execute("drop table if exists egiz.\(name)")
            dropped.append(name)
        }
        return dropped
    }

    /// Weeks of segments behind `closed` that hold nothing any more: their indexes would stay as large as they ever were.
    private func dropEmptied(before closed: Int64) throws(EngineError) -> [String] {
        let rows = try connection.query(
            """
            select relname, (extract(epoch from
                    to_date(right(relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') * 1000000)::int8,
                exists (select from pg_inherits where inhrelid = pg_class.oid)
            from pg_class
            where relnamespace = 'egiz'::regnamespace and relkind = 'r' and relname ~ '^history_segment_[0-9]{8}$'
                and exists (select from pg_class where oid = 'egiz.history_segment'::regclass and relkind = 'p')
            order by relname
            """)
        var dropped: [String] = []
        for row in rows {
            guard let name = row.text(0), let start = row.int64(1), start + HistoryInterval.length <= closed else {
                continue
            }
            let isAttached = row.bool(2) == true
            if isAttached {
                guard try isEmpty(name) else { continue }
                try detach(name, from: "history_segment")
            }
            // A late epoch may have come in before it was detached.
            if try isEmpty(name) {
                try connection.execute("drop table if exists egiz.\(name)")
                dropped.append(name)
            } else {
                try connection.execute(
                    "alter table egiz.history_segment attach partition egiz.\(name) for values from (\(HistoryInterval.bound(start))) to (\(HistoryInterval.bound(start + HistoryInterval.length)))"
                )
            }
        }
        return dropped
    }

    private func isEmpty(_ table: String) throws(EngineError) -> Bool {
        try connection.query("select not exists (select from egiz.\(table))").first?.bool(0) == true
    }

    private func detach(_ table: String, from parent: String) throws(EngineError) {
        try connection.execute("alter table egiz.\(parent) detach partition egiz.\(table) concurrently")
    }

    /// What a detaching that was interrupted left half done.
    private func finishDetaching() throws(EngineError) {
        let rows = try connection.query(
            """
            select parent.relname, child.relname from pg_inherits
            join pg_class parent on parent.oid = inhparent join pg_class child on child.oid = inhrelid
            where inhdetachpending and parent.relnamespace = 'egiz'::regnamespace
            """)
        for row in rows {
            guard let parent = row.text(0), let child = row.text(1) else { continue }
            try connection.execute("alter table egiz.\(parent) detach partition egiz.\(child) finalize")
        }
    }
}
