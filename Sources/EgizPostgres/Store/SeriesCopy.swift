import EgizCore
import EgizTwin

/// Very many series that nobody has yet, by COPY: less than half the work of INSERT with ON CONFLICT, and done while names are still
/// being sent. A COPY knows no conflict, so all of it is taken back where one of the names exists; then the other way is the right one.
enum SeriesCopy {
    /// With fewer names the round trips cost more than they spare.
    static let fewest = 512
    /// So many of the names are asked for before: where one of them exists, a COPY would be in vain.
    private static let sample = 32

    /// Places of the keys that are asked for before.
    static func samples(_ count: Int) -> [Int] { Array(stride(from: 0, to: count, by: max(1, count / sample))) }

    /// The ids of these series, in the order of the keys, once they are committed; nil, and nothing was made, where a name exists or one
    /// of `tasks` has another owner.
    static func make(_ keys: [SeriesKey], of tasks: [TaskAdvance], _ connection: PostgresConnection)
        throws(EngineError) -> [Int64]?
    {
        // In one order everywhere (rule 1), which is that of their bytes.
        let order = keys.indices.sorted { precedes(keys[$0], keys[$1]) }
        do throws(EngineError) {
            return try connection.transaction { connection throws(EngineError) -> [Int64]? in
                try SeriesResolver.addClasses(keys, connection)
                guard let given = try take(keys.count, tasks, connection) else { return nil }
                return try copy(keys, order, given.ids, made: given.now, connection)
            }
        } catch {
            guard error.detail == "23505" else { throw error }
            return nil
        }
    }

    /// Ids for that many series, with the tasks locked to the end of the transaction; nil where one of them is not ours any more: a
    /// zombie must not leave the name of a thing that was erased meanwhile.
    private static func take(_ count: Int, _ tasks: [TaskAdvance], _ connection: PostgresConnection)
        throws(EngineError) -> (ids: [Int64], now: Int64)?
    {
        let rows = try connection.query(
            """
            with mine as materialized (\(SeriesResolver.ours(from: 2)))
            select (select count(*) from mine), clock_timestamp(),
                array_agg(nextval((select pg_get_serial_sequence('egiz.series', 'series_id')::regclass)))
            from generate_series(1, $1)
            """, [.int64(Int64(count))] + SeriesResolver.fence(tasks))
        guard let row = rows.first, row.int64(0) == Int64(tasks.count), let now = row.timestamp(1),
            let ids = row.int64Array(2)?.compactMap({ $0 }), ids.count == count
        else { return nil }
        return (ids, now)
    }

    /// `made`: written down as the time of their making. A default that asks the clock would make the server take row by row.
    private static func copy(
        _ keys: [SeriesKey], _ order: [Int], _ given: [Int64], made: Int64, _ connection: PostgresConnection
    ) throws(EngineError) -> [Int64] {
        var ids = [Int64](repeating: 0, count: keys.count)
        try connection.copyIn(
            "copy egiz.series (series_id, thing_id, path, retention, created_at) from stdin (format binary)"
        ) { copy throws(EngineError) in
            var used = 0
            var last: SeriesKey?
            for place in order {
                let key = keys[place]
                // One name may have several keys.
                if let last, isSame(last, key) {
                    ids[place] = given[used - 1]
                    continue
                }
                last = key
                ids[place] = given[used]
                try copy.row(columns: 5)
                copy.int64(given[used])
                copy.text(key.thing.text)
                copy.text(key.path)
                copy.int32(key.retention)
                copy.timestamp(microseconds: made)
                used += 1
            }
        }
        return ids
    }

    private static func precedes(_ a: SeriesKey, _ b: SeriesKey) -> Bool {
        a.thing == b.thing ? UTF8Text.less(a.path, b.path) : a.thing < b.thing
    }

    private static func isSame(_ a: SeriesKey, _ b: SeriesKey) -> Bool {
        a === b || (a.thing == b.thing && UTF8Text.equal(a.path, b.path))
    }
}
