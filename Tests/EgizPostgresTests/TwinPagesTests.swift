import EgizCore
import TestSupport
import Testing

@testable import EgizPostgres

/// Twins that speak and twins that are only registered, in one list.
@Suite struct TwinPagesTests {
    private let database: TestDatabase

    init() throws { database = try TestDatabase() }

    private func add(spoken: [String], registered: [String]) throws {
        try database.connection.execute(
            """
            insert into egiz.twin (thing_id, stage, partition, revision, document, input_topic, input_partition, input_offset)
            select thing, 's', 0, 1, '{}', 'e', 0, 0 from unnest(string_to_array('\(spoken.joined(separator: ","))', ',')) thing;
            insert into egiz.twin_registration (thing_id)
            select thing from unnest(string_to_array('\(registered.joined(separator: ","))', ',')) thing;
            analyze egiz.twin; analyze egiz.twin_registration;
            """)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func pagesHaveEachTwinOnceInTheOrderOfTheIds(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let all = (0..<40).map { "n:\($0 < 10 ? "0" : "")\($0)" }
        // Long stretches of the one and the other, and both.
        let spoken = all.filter { _ in Int.random(in: 0..<Int(seed + 1), using: &random) == 0 }
        let registered = all.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
        try add(spoken: spoken, registered: registered)
        let pool = PostgresPool(url: database.url, applicationName: "test", size: 1)
        defer { pool.close() }
        for limit in [1, 3, 7] {
            var found: [String] = []
            var page: TwinQueries.Page
            repeat {
                page = try await TwinQueries(pool: pool).page(
                    .init(), after: found.last, limit: limit, documents: limit == 3)
                found += page.twins.map(\.thing)
            } while page.hasMore
            #expect(found == Set(spoken + registered).sorted())
        }
    }

    @Test func whereAllTwinsSpeakAPageReadsFewRegistrations() throws {
        let all = (0..<2000).map { "n:\($0)" }
        try add(spoken: all, registered: all)
        let (sql, parameters) = TwinQueries.statement(.init(), after: "n:1", limit: 10, documents: false)
        // That the planner may take small tables whole is not the point.
        try database.connection.execute(
            "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_sort = off")
        let lines = try database.connection.query("explain (analyze, costs off, timing off) \(sql)", parameters)
            .compactMap { $0.text(0) }
        let read = lines.compactMap { line -> Int? in
            guard line.contains("on twin_registration"),
                let match = line.firstMatch(of: #/rows=([0-9]+)(?:\.[0-9]+)? loops=([0-9]+)/#)
            else { return nil }
            return (Int(match.1) ?? 0) * (Int(match.2) ?? 0)
        }
        #expect(!read.isEmpty && read.allSatisfy { $0 < 100 }, "\(lines.joined(separator: "\n"))")
    }
}
