import EgizCore
import EgizTwin

/// Gives series their database ids, in a transaction of its own before the epoch; an id is remembered only after that commit
/// (rule 28), so that no segment can name a series that was rolled back.
struct SeriesResolver {
    /// Bounds the arrays of one statement. Series are made in a transaction a batch: a first epoch may need hundreds of thousands.
    private static let batch = 20_000

    private struct Stored {
        var id: Int64
        var retention: Int32
    }

    /// False where a series was not made because one of `tasks` has another owner by now: a zombie must not leave the name of a
    /// thing that was erased meanwhile. Then nothing of the epoch can be written either.
    ///
    /// `fewestToCopy`: so many at once are made by COPY, where they seem to be new.
    static func resolve(
        _ columns: [SeriesColumn], of tasks: [TaskAdvance] = [],
        keptFor retention: HistoryRetention = HistoryRetention(), fewestToCopy: Int = SeriesCopy.fewest,
        _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        var open: [SeriesKey] = []
        for column in columns where column.series.databaseID == nil { open.append(column.series) }
        guard !open.isEmpty else { return true }
        var fewestToCopy = fewestToCopy
        for start in stride(from: 0, to: open.count, by: batch) {
            let keys = open[start..<min(start + batch, open.count)]
            for key in keys { key.retention = retention.days(of: key.path) }
            guard try resolve(Array(keys), tasks, &fewestToCopy, connection) else { return false }
        }
        return true
    }

    private static func resolve(
        _ keys: [SeriesKey], _ tasks: [TaskAdvance], _ fewestToCopy: inout Int, _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        // By the place among the keys: names would have to be hashed and compared, and cost more than the question.
        var found = [Stored?](repeating: nil, count: keys.count)
        if keys.count >= fewestToCopy {
            let samples = SeriesCopy.samples(keys.count)
            try read(keys, samples, into: &found, connection)
            if samples.allSatisfy({ found[$0] == nil }) {
                if let ids = try SeriesCopy.make(keys, of: tasks, connection) {
                    for (key, id) in zip(keys, ids) { key.databaseID = id }
                    return true
                }
                // Some exist after all: what was begun in vain once is not tried again.
                fewestToCopy = .max
            }
        }
        // Most series of a restarted worker exist already; asking first spares the sequence.
        try read(keys, Array(keys.indices), into: &found, connection)
        var missing = keys.indices.filter { found[$0] == nil }
        if !missing.isEmpty {
            try connection.transaction { connection throws(EngineError) in
                try addClasses(missing.map { keys[$0] }, connection)
                try make(keys, missing, tasks, into: &found, connection)
            }
            // Another worker made them between the two questions, or they were not to be made.
            missing = missing.filter { found[$0] == nil }
            if !missing.isEmpty {
                try read(keys, missing, into: &found, connection)
                if !tasks.isEmpty, missing.contains(where: { found[$0] == nil }),
                    try EpochFence.isHeld(by: tasks, connection) == false
                {
                    return false
                }
            }
        }
        var moved: [(id: Int64, key: SeriesKey)] = []
        for (key, stored) in zip(keys, found) {
            if let stored, stored.retention != key.retention { moved.append((stored.id, key)) }
        }
        if !moved.isEmpty {
            let isOurs = try connection.transaction { connection throws(EngineError) in
                try addClasses(moved.map(\.key), connection)
                return try move(moved, tasks, connection)
            }
            guard isOurs else { return false }
        }
        for (key, stored) in zip(keys, found) {
            guard let stored else {
                throw EngineError(
                    .postgres, .backoff, "the series \(key.thing) \(key.path) was deleted while it was being created")
            }
            key.databaseID = stored.id
        }
        return true
    }

    /// Makes the series at these places, where nobody else does and the tasks are ours.
    private static func make(
        _ keys: [SeriesKey], _ places: [Int], _ tasks: [TaskAdvance], into found: inout [Stored?],
        _ connection: PostgresConnection
    ) throws(EngineError) {
        // In one order everywhere (rule 1): two workers that meet the same new series wait for each other's rows.
        let rows = try connection.query(
            """
            with mine as materialized (\(ours(from: 3))), new as materialized (
                select * from unnest($1, $2, $7) with ordinality as new (thing_id, path, retention, place)
            ), made as (
                insert into egiz.series (thing_id, path, retention)
                select distinct on (thing_id collate "C", path collate "C") thing_id, path, retention
                from new
                where (select count(*) from mine) = $6
                order by thing_id collate "C", path collate "C"
                on conflict do nothing
                returning thing_id, path, series_id, retention
            )
            select new.place, made.series_id, made.retention
            from made join new on made.thing_id = new.thing_id and made.path = new.path
            """,
            [
                .textArray(places.map { keys[$0].thing.text }), .textArray(places.map { keys[$0].path }),
            ] + fence(tasks) + [.int64Array(places.map { Int64(keys[$0].retention) })])
        take(rows, places, into: &found)
    }

    static func addClasses(_ keys: [SeriesKey], _ connection: PostgresConnection) throws(EngineError) {
        let limited = Set(keys.map(\.retention)).subtracting([0]).sorted()
        guard !limited.isEmpty else { return }
        _ = try connection.query(
            "insert into egiz.history_class (retention) select unnest($1)::int on conflict do nothing",
            [.int64Array(limited.map(Int64.init))])
    }

    /// The topology says another retention than before: from now on the samples are compacted into the other class. What is
    /// compacted already stays as long as it was meant to, or until it is compacted again.
    ///
    /// False, and nothing is moved, where a task is not ours any more: a worker that lost it must not set back what the new owner's
    /// topology says. The tasks stay locked to the end of the transaction, so that none is lost in between.
    private static func move(
        _ moved: [(id: Int64, key: SeriesKey)], _ tasks: [TaskAdvance], _ connection: PostgresConnection
    ) throws(EngineError) -> Bool {
        let known = moved.sorted { $0.id < $1.id }
        let rows = try connection.query(
            """
            with mine as materialized (\(ours(from: 3))), locked as materialized (
                select series_id from egiz.series
                where series_id = any ($1) and (select count(*) from mine) = $6
                order by series_id for no key update
            ), moved as (
                update egiz.series set retention = wanted.retention
                from unnest($1, $2) as wanted (series_id, retention) join locked using (series_id)
                where series.series_id = wanted.series_id
            )
            select (select count(*) from mine)
            """,
            [.int64Array(known.map(\.id)), .int64Array(known.map { Int64($0.key.retention) })] + fence(tasks))
        return rows.first?.int64(0) == Int64(tasks.count)
    }

    /// The tasks that are ours, locked in their order; with what `fence` gives from that parameter on.
    static func ours(from first: Int) -> String {
        """
        select from egiz.task
        join unnest($\(first), $\(first + 1), $\(first + 2)) as wanted (stage, partition, owner_epoch)
            on task.stage = wanted.stage and task.partition = wanted.partition
            and task.owner_epoch = wanted.owner_epoch
        order by task.stage, task.partition for key share of task
        """
    }

    static func fence(_ tasks: [TaskAdvance]) -> [PostgresValue] {
        [
            .textArray(tasks.map(\.task.stage.text)), .int64Array(tasks.map { Int64($0.task.partition) }),
            .int64Array(tasks.map(\.ownerEpoch)), .int64(Int64(tasks.count)),
        ]
    }

    /// Finds the series at these places of the keys.
    private static func read(
        _ keys: [SeriesKey], _ places: [Int], into found: inout [Stored?], _ connection: PostgresConnection
    ) throws(EngineError) {
        let rows = try connection.query(
            """
            select wanted.place, series.series_id, series.retention
            from unnest($1, $2) with ordinality as wanted (thing_id, path, place)
            join egiz.series on series.thing_id = wanted.thing_id and series.path = wanted.path
            """, [.textArray(places.map { keys[$0].thing.text }), .textArray(places.map { keys[$0].path })])
        take(rows, places, into: &found)
    }

    /// Rows of (place among `places` from 1, id, retention).
    private static func take(_ rows: PostgresRows, _ places: [Int], into found: inout [Stored?]) {
        for row in rows {
            guard let place = row.int64(0), places.indices.contains(Int(place) - 1), let id = row.int64(1) else {
                continue
            }
            found[places[Int(place) - 1]] = Stored(id: id, retention: Int32(clamping: row.int64(2) ?? 0))
        }
    }
}
