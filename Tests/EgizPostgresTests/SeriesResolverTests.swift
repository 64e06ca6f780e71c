import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// Series get their ids before the epoch: one a name, whoever makes it, and remembered only where its transaction landed (rule 28).
@Suite struct SeriesResolverTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    private func columns(_ paths: [String]) throws -> [SeriesColumn] {
        try paths.map { SeriesColumn(series: try Epochs.key("a:b", $0), kind: .number) }
    }

    private func ids(_ columns: [SeriesColumn]) -> [Int64?] { columns.map(\.series.databaseID) }

    /// The id that the database has for a path.
    private func stored(_ path: String) throws -> Int64? {
        try database.connection.query(
            "select series_id from egiz.series where thing_id = 'a:b' and path = $1", [.text(path)]
        ).first?.int64(0)
    }

    /// From how many series on they are made by COPY: each way must do the same.
    private static let ways = [1, .max]

    @Test(arguments: ways) func columnsOfSeveralKindsAndKeysOfOneNameHaveOneSeries(_ fewestToCopy: Int) throws {
        let key = try Epochs.key("a:b", "/x")
        let twice = try columns(["/y", "/x", "/y"])
        let all = [SeriesColumn(series: key, kind: .number), SeriesColumn(series: key, kind: .text)] + twice
        #expect(try SeriesResolver.resolve(all, fewestToCopy: fewestToCopy, database.connection))
        let (x, y) = (try stored("/x"), try stored("/y"))
        #expect(x != nil && y != nil && x != y)
        #expect(ids(all) == [x, x, y, x, y])
        #expect(try database.count("series") == 2)
        // Some exist by now, and stand between those that do not.
        let more = try columns(["/a", "/y", "/z", "/x"])
        #expect(try SeriesResolver.resolve(more, fewestToCopy: fewestToCopy, database.connection))
        #expect(try ids(more) == [stored("/a"), y, stored("/z"), x])
        #expect(try database.count("series") == 4)
    }

    /// Canonically equivalent texts are one text in Swift, and two in a log; and a collation may sort or match names in its own way.
    @Test(arguments: ways) func namesAreToldApartByTheirBytes(_ fewestToCopy: Int) throws {
        let paths = ["/\u{E9}", "/e\u{301}", "/e", "/E", "/f", "/-e", "/_E", "/ ", "/~1", "/A", "/a"]
        let all = try columns(paths)
        #expect(try SeriesResolver.resolve(all, fewestToCopy: fewestToCopy, database.connection))
        #expect(Set(ids(all)).count == paths.count && !ids(all).contains(nil))
        #expect(try ids(all) == paths.map { try stored($0) })
    }

    /// Another worker makes some of the same series and has not committed yet: who comes second waits, and takes what then is there.
    @Test(arguments: [true, false], ways) func whatAnotherMakesMeanwhileIsTakenWhereItLandsAndMadeWhereItDoesNot(
        _ lands: Bool, _ fewestToCopy: Int
    )
        async throws
    {
        let other = try PostgresConnection(url: database.url, applicationName: "other")
        try other.execute("begin")
        let made = try other.query(
            "insert into egiz.series (thing_id, path) values ('a:b', '/1'), ('a:b', '/2') returning series_id")
        let pool = PostgresPool(url: database.url, applicationName: "resolver", size: 1)
        defer { pool.close() }
        async let found = pool.run { connection -> [Int64?] in
            let columns = try (0..<4).map { SeriesColumn(series: try Epochs.key("a:b", "/\($0)"), kind: .number) }
            guard try SeriesResolver.resolve(columns, fewestToCopy: fewestToCopy, connection) else { return [] }
            return columns.map(\.series.databaseID)
        }
        var waits = false
        while !waits {
            let rows = try database.connection.query(
                "select from pg_stat_activity where application_name = 'resolver' and wait_event_type = 'Lock'")
            waits = !rows.isEmpty
            await Task.yield()
        }
        try other.execute(lands ? "commit" : "rollback")
        let ids = try await found
        #expect(try ids == (0..<4).map { try stored("/\($0)") })
        #expect(Set(ids).count == 4 && !ids.contains(nil))
        #expect((ids[1] == made[0].int64(0) && ids[2] == made[1].int64(0)) == lands)
        #expect(try database.count("series") == 4)
    }

    /// A statement holds so many keys; the last of them may have the name of the first.
    @Test func moreSeriesThanOneStatementHoldsAreMadeInSeveral() throws {
        let all = try columns((0..<20_000).map { "/\($0)" } + ["/0", "/20000"])
        #expect(try SeriesResolver.resolve(all, database.connection))
        let ids = ids(all)
        #expect(!ids.contains(nil) && Set(ids).count == 20_001)
        #expect(ids[20_000] == ids[0])
        #expect(try ids[19_999] == stored("/19999") && ids[20_001] == stored("/20000"))
        #expect(try database.count("series") == 20_001)
        // So many are made by COPY, and of one COPY all have one time. Neighbours by name are neighbours by id: blocks hold groups of ids.
        let copied = try database.connection.query(
            """
            select count(*), max(series_id) - min(series_id), bool_and(series_id = first + place - 1)
            from (
                select *, row_number() over (order by path) as place, min(series_id) over () as first
                from egiz.series where created_at = (select min(created_at) from egiz.series)
            ) as copied
            """)
        #expect(copied.first?.int64(0) == 20_000 && copied.first?.int64(1) == 19_999 && copied.first?.bool(2) == true)
    }

    /// A worker that crashed between its series and their epoch leaves some that nobody expects. A COPY cannot go round them.
    @Test func manySeriesOfWhichOneExistsAreMadeAllTheSame() throws {
        #expect(try SeriesResolver.resolve(columns(["/1999"]), database.connection))
        let old = try stored("/1999")
        let all = try columns((0..<2000).map { "/\($0)" })
        #expect(try SeriesResolver.resolve(all, database.connection))
        let ids = ids(all)
        #expect(!ids.contains(nil) && Set(ids).count == 2000)
        #expect(ids[1999] == old)
        #expect(try ids[0] == stored("/0") && ids[1998] == stored("/1998"))
        #expect(try database.count("series") == 2000)
    }

    @Test func seriesMadeByCopyHaveTheirRetention() throws {
        let rule = HistoryRetention([.init(include: [try #require(PathPattern("/a"))], exclude: [], days: 10)])
        let all = try columns(["/a", "/b"])
        #expect(try SeriesResolver.resolve(all, keptFor: rule, fewestToCopy: 1, database.connection))
        #expect(try database.count("series where path = '/a' and retention = 10") == 1)
        #expect(try database.count("series where path = '/b' and retention = 0") == 1)
        #expect(try database.count("history_class where retention = 10") == 1)
    }

    /// The statement gave the ids, and the transaction did not land: remembered, they would name series that never were.
    @Test(arguments: ways) func anIdOfATransactionThatFailedIsNotRemembered(_ fewestToCopy: Int) throws {
        try database.connection.execute(
            """
            create function egiz.refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
            create constraint trigger refuse after insert on egiz.series deferrable initially deferred
                for each row execute function egiz.refuse()
            """)
        let all = try columns(["/x", "/y"])
        let connection = try PostgresConnection(url: database.url, applicationName: "resolver")
        let error = #expect(throws: EngineError.self) {
            try SeriesResolver.resolve(all, fewestToCopy: fewestToCopy, connection)
        }
        #expect(error?.message.contains("not now") == true)
        #expect(ids(all) == [nil, nil])
        #expect(try database.count("series") == 0)
        try database.connection.execute("drop trigger refuse on egiz.series")
        #expect(try SeriesResolver.resolve(all, fewestToCopy: fewestToCopy, connection))
        #expect(try ids(all) == [stored("/x"), stored("/y")])
    }

    @Test(arguments: ways) func whoLostATaskMakesNoSeriesOfTheEpoch(_ fewestToCopy: Int) throws {
        let store = database.store()
        let leases = try store.acquire([Epochs.task(0), Epochs.task(1)], partitions: 2, topologyVersion: 1)
        let tasks = leases.map { Epochs.advance($0, 1) }
        _ = try database.store("worker-b").acquire([Epochs.task(1)], partitions: 2, topologyVersion: 1)
        let all = try columns(["/x", "/y"])
        #expect(try !SeriesResolver.resolve(all, of: tasks, fewestToCopy: fewestToCopy, database.connection))
        #expect(ids(all) == [nil, nil])
        #expect(try database.count("series") == 0)
        let ours = Array(tasks.prefix(1))
        #expect(try SeriesResolver.resolve(all, of: ours, fewestToCopy: fewestToCopy, database.connection))
    }
}
