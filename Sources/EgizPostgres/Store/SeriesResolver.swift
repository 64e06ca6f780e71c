import EgizCore
import EgizTwin

/// Gives series their database ids, in a transaction of its own before the epoch; an id is remembered only after that commit
/// (rule 28), so that no segment can name a series that was rolled back.
struct SeriesResolver {
    /// Bounds the arrays of one statement.
    private static let batch = 5000

    private struct Name: Hashable {
        var thing: String
        var path: String

        // Bytes, not canonical equivalence: two paths that look alike are two series.
        static func == (a: Self, b: Self) -> Bool {
            a.path.utf8.elementsEqual(b.path.utf8) && a.thing.utf8.elementsEqual(b.thing.utf8)
        }

        func hash(into hasher: inout Hasher) {
            for byte in thing.utf8 { hasher.combine(byte) }
            hasher.combine(0xFF as UInt8)
            for byte in path.utf8 { hasher.combine(byte) }
        }
    }

    private struct Stored {
        var id: Int64
        var retention: Int32
    }

    /// False where a series was not made because one of `tasks` has another owner by now: a zombie must not leave the name of a
    /// thing that was erased meanwhile. Then nothing of the epoch can be written either.
    static func resolve(
        _ columns: [SeriesColumn], of tasks: [TaskAdvance] = [],
        keptFor retention: HistoryRetention = HistoryRetention(),
        _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        var open: [SeriesKey] = []
        for column in columns where column.series.databaseID == nil { open.append(column.series) }
        guard !open.isEmpty else { return true }
        for start in stride(from: 0, to: open.count, by: batch) {
            let keys = open[start..<min(start + batch, open.count)]
            for key in keys { key.retention = retention.days(of: key.path) }
            guard try resolve(keys, tasks, connection) else { return false }
        }
        return true
    }

    private static func resolve(
        _ keys: ArraySlice<SeriesKey>, _ tasks: [TaskAdvance], _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        let parameters: [PostgresValue] = [.textArray(keys.map(\.thing.text)), .textArray(keys.map(\.path))]
        // Most series of a restarted worker exist already; asking first spares the sequence.
        var ids = try read(parameters, connection)
        let missing = keys.filter { ids[Name(thing: $0.thing.text, path: $0.path)] == nil }
        if !missing.isEmpty {
            let new: [PostgresValue] = [.textArray(missing.map(\.thing.text)), .textArray(missing.map(\.path))]
            try connection.transaction { connection throws(EngineError) in
                try addClasses(missing, connection)
                // In one order everywhere (rule 1): two workers that meet the same new series wait for each other's rows.
                _ = try connection.query(
                    """
                    with mine as materialized (
                        select from egiz.task
                        join unnest($3, $4, $5) as wanted (stage, partition, owner_epoch)
                            on task.stage = wanted.stage and task.partition = wanted.partition
                            and task.owner_epoch = wanted.owner_epoch
                        order by task.stage, task.partition for key share of task
                    )
                    insert into egiz.series (thing_id, path, retention)
                    select distinct on (thing_id collate "C", path collate "C") thing_id, path, retention
                    from unnest($1, $2, $7) as new (thing_id, path, retention)
                    where (select count(*) from mine) = $6
                    order by thing_id collate "C", path collate "C"
                    on conflict do nothing
                    """,
                    new + [
                        .textArray(tasks.map(\.task.stage.text)),
                        .int64Array(tasks.map { Int64($0.task.partition) }), .int64Array(tasks.map(\.ownerEpoch)),
                        .int64(Int64(tasks.count)), .int64Array(missing.map { Int64($0.retention) }),
                    ])
            }
            ids.merge(try read(new, connection)) { _, id in id }
            if !tasks.isEmpty, keys.contains(where: { ids[Name(thing: $0.thing.text, path: $0.path)] == nil }),
                try EpochFence.isHeld(by: tasks, connection) == false
            {
                return false
            }
        }
        let moved = keys.filter { ids[Name(thing: $0.thing.text, path: $0.path)]?.retention != $0.retention }
        if !moved.isEmpty {
            // A worker that lost its tasks must not set back what the new owner's topology says.
            if !tasks.isEmpty, try EpochFence.isHeld(by: tasks, connection) == false { return false }
            try connection.transaction { connection throws(EngineError) in
                try addClasses(moved, connection)
                try move(moved, ids, connection)
            }
        }
        for key in keys {
            guard let id = ids[Name(thing: key.thing.text, path: key.path)]?.id else {
                throw EngineError(
                    .postgres, .backoff, "the series \(key.thing) \(key.path) was deleted while it was being created")
            }
            key.databaseID = id
        }
        return true
    }

    private static func addClasses(_ keys: [SeriesKey], _ connection: PostgresConnection) throws(EngineError) {
        let limited = Set(keys.map(\.retention)).subtracting([0]).sorted()
        guard !limited.isEmpty else { return }
        _ = try connection.query(
            "insert into egiz.history_class (retention) select unnest($1)::int on conflict do nothing",
            [.int64Array(limited.map(Int64.init))])
    }

    /// The topology says another retention than before: from now on the samples are compacted into the other class. What is
    /// compacted already stays as long as it was meant to, or until it is compacted again.
    private static func move(
        _ keys: [SeriesKey], _ ids: [Name: Stored], _ connection: PostgresConnection
    ) throws(EngineError) {
        let known = keys.compactMap { key in
            ids[Name(thing: key.thing.text, path: key.path)].map { (id: $0.id, retention: key.retention) }
        }.sorted { $0.id < $1.id }
        _ = try connection.query(
            """
            with locked as materialized (
                select series_id from egiz.series where series_id = any ($1) order by series_id for no key update
            )
            update egiz.series set retention = wanted.retention
            from unnest($1, $2) as wanted (series_id, retention) join locked using (series_id)
            where series.series_id = wanted.series_id
            """, [.int64Array(known.map(\.id)), .int64Array(known.map { Int64($0.retention) })])
    }

    private static func read(_ parameters: [PostgresValue], _ connection: PostgresConnection) throws(EngineError)
        -> [Name: Stored]
    {
        let rows = try connection.query(
            """
            select series.thing_id, series.path, series.series_id, series.retention
            from unnest($1, $2) as wanted (thing_id, path)
            join egiz.series on series.thing_id = wanted.thing_id and series.path = wanted.path
            """, parameters)
        var ids: [Name: Stored] = [:]
        for row in rows {
            guard let thing = row.text(0), let path = row.text(1), let id = row.int64(2) else { continue }
            ids[Name(thing: thing, path: path)] = Stored(id: id, retention: Int32(clamping: row.int64(3) ?? 0))
        }
        return ids
    }
}
