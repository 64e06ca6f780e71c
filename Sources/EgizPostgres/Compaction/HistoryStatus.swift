public import EgizCore
public import EgizTwin

/// How much of history is compacted, and how much is not.
public struct HistoryStatus: Sendable, Equatable {
    public struct Form: Sendable, Equatable {
        public var rows: Int64
        public var samples: Int64
        /// With indexes and TOAST, as it lies on disk.
        public var bytes: Int64

        static let zero = Form(rows: 0, samples: 0, bytes: 0)

        static func + (a: Self, b: Self) -> Self {
            Form(rows: a.rows + b.rows, samples: a.samples + b.samples, bytes: a.bytes + b.bytes)
        }

        static func - (a: Self, b: Self) -> Self {
            Form(rows: a.rows - b.rows, samples: a.samples - b.samples, bytes: a.bytes - b.bytes)
        }

        /// What is left when so much is taken away; bytes go with the samples.
        func without(rows: Int, samples: Int) -> Self {
            let left = max(0, self.samples - Int64(samples))
            let share = self.samples == 0 ? 0 : Double(left) / Double(self.samples)
            return Form(rows: max(0, self.rows - Int64(rows)), samples: left, bytes: Int64(Double(bytes) * share))
        }
    }

    /// What lies in segments and blocks takes about so much, as sums in SQL.
    static let segmentBytes = "sum(180 + 16 * n)"
    static let blockBytes = "sum(200 + 14 * n)"

    public struct RetentionClass: Sendable, Equatable {
        /// Days; 0 keeps for ever.
        public var retention: Int32
        public var horizon: EventTime?
        /// Samples that came when their time was already behind the horizon.
        public var expired: Int64
        public var bytes: Int64
    }

    /// Everything before it can be compacted; nil while nothing has a stream time.
    public var closed: EventTime?
    public var segments: Form
    public var blocks: Form
    public var packed: Form
    /// Segments and blocks before `closed`: what the compactor has to do.
    public var debt: Form
    public var classes: [RetentionClass]

    /// Reads it; counts every row, which takes a while in a large database. Confined to the thread of the connection.
    public static func read(_ connection: PostgresConnection) throws(EngineError) -> HistoryStatus {
        let closed = try HistoryCompactor(connection).closed()
        let debt = try Self.debt(connection, closed)
        return HistoryStatus(
            closed: closed, segments: try form("history_segment", connection),
            blocks: try form("history_block", connection),
            packed: try form("history_packed", connection), debt: debt, classes: try classes(connection))
    }

    /// What is not compacted although it could be. Bytes are reckoned from rows and samples.
    public static func debt(_ connection: PostgresConnection, _ closed: EventTime?) throws(EngineError) -> Form {
        guard let closed else { return .zero }
        let rows = try connection.query(
            """
            select sum(rows)::int8, coalesce(sum(samples), 0)::int8, coalesce(sum(bytes), 0)::int8 from (
                select count(*) as rows, sum(n) as samples, \(segmentBytes) as bytes
                from egiz.history_segment where t_first < $1
                union all
                select count(*), sum(n), \(blockBytes) from egiz.history_block where t_first < $1
            ) open
            """, [.timestamp(microseconds: closed.microseconds)])
        return Form(
            rows: rows.first?.int64(0) ?? 0, samples: rows.first?.int64(1) ?? 0, bytes: rows.first?.int64(2) ?? 0)
    }

    private static func form(_ table: String, _ connection: PostgresConnection) throws(EngineError) -> Form {
        let rows = try connection.query(
            "select count(*), coalesce(sum(n), 0)::int8, (\(size("'egiz.\(table)'::regclass"))) from egiz.\(table)")
        return Form(
            rows: rows.first?.int64(0) ?? 0, samples: rows.first?.int64(1) ?? 0, bytes: rows.first?.int64(2) ?? 0)
    }

    static func classes(_ connection: PostgresConnection) throws(EngineError) -> [RetentionClass] {
        let rows = try connection.query(
            """
            select retention, horizon, expired, coalesce(
                (\(size("to_regclass('egiz.history_packed_' || retention)"))), 0)
            from egiz.history_class order by retention
            """)
        return rows.map {
            RetentionClass(
                retention: Int32(clamping: $0.int64(0) ?? 0),
                horizon: $0.timestamp(1).map(EventTime.init(microseconds:)), expired: $0.int64(2) ?? 0,
                bytes: $0.int64(3) ?? 0)
        }
    }

    /// The size of a table with everything below it: partitions, or a hypertable's chunks.
    private static func size(_ table: String) -> String {
        """
        with recursive tree as (
            select (\(table))::oid as oid union all select inhrelid from pg_inherits join tree on inhparent = tree.oid
        )
        select coalesce(sum(pg_total_relation_size(tree.oid)), 0)::int8 from tree
        """
    }
}
