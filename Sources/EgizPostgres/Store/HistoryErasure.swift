import EgizCore
import EgizTwin

/// Removes the history of a thing in all its forms. Confined to the thread of its connection; inside a transaction.
struct HistoryErasure {
    /// Held to the end of a transaction by the compactor and by erasures: neither may see the other's work half done, or what is
    /// being compacted would come back.
    static let lockKey: Int64 = 0x6567_697A_6572

    private let connection: PostgresConnection

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// How many rows of each table went; a block counts where it lost samples.
    func erase(_ thing: ThingID) throws(EngineError) -> [(table: String, rows: Int)] {
        try connection.execute("select pg_advisory_xact_lock(\(Self.lockKey))")
        let series = try connection.query(
            "delete from egiz.series where thing_id = $1 returning series_id", [.text(thing.text)])
        let ids: [PostgresValue] = [.int64Array(series.map { $0.int64(0) })]
        let segments = try connection.query("delete from egiz.history_segment where series_id = any ($1)", ids)
        let packed = try connection.query("delete from egiz.history_packed where series_id = any ($1)", ids)
        let blocks = try connection.query(
            """
            with wanted as (
                select id >> \(HistoryBlocks.groupBits) as series_group,
                    array_agg((id & \(HistoryBlocks.memberMask))::int2) as members
                from unnest($1) as id group by 1
            )
            update egiz.history_block block
            set n = kept.n, members = kept.members, lags = kept.lags,
                numbers = case when old.numbers is not null then kept.numbers end,
                texts = case when old.texts is not null then kept.texts end
            from wanted
            join egiz.history_block old on old.series_group = wanted.series_group and old.members && wanted.members
            cross join lateral (
                select count(*)::int as n, coalesce(array_agg(item.member order by place), '{}') as members,
                    coalesce(array_agg(item.lag order by place), '{}') as lags, array_agg(item.number order by place) as numbers,
                    array_agg(item.text order by place) as texts
                from unnest(old.members, old.lags, old.numbers, old.texts)
                    with ordinality as item (member, lag, number, text, place)
                where item.member <> all (wanted.members)
            ) kept
            where block.series_group = old.series_group and block.t_first = old.t_first and block.seq = old.seq
                and block.part = old.part
            """, ids)
        try connection.execute("delete from egiz.history_block where n = 0")
        return [
            ("history_segment", segments.affected), ("history_packed", packed.affected),
            ("history_block", blocks.affected), ("series", series.affected),
        ]
    }
}
