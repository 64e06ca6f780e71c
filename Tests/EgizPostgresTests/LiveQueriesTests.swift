import EgizCore
import EgizPostgres
import Testing

/// What live push asks the database.
@Suite struct LiveQueriesTests {
    private let database: TestDatabase
    private let a = "11111111-1111-1111-1111-111111111111"
    private let b = "22222222-2222-2222-2222-222222222222"

    init() throws {
        database = try TestDatabase()
        try database.connection.execute(
            """
            insert into egiz.project (project_id, name) values ('\(a)', 'a'), ('\(b)', 'b')
            """)
    }

    private func withQueries<T>(_ body: (LiveQueries) async throws -> T) async throws -> T {
        let pool = PostgresPool(url: database.url, applicationName: "test", size: 1)
        defer { pool.close() }
        return try await body(LiveQueries(pool: pool))
    }

    @Test func movesOfThingsAndNamespacesAreToldInTheirOrder() async throws {
        try await withQueries { queries in
            let start = try await queries.moves(after: nil, limit: 10)
            #expect(start.moves.isEmpty && start.isWhole)
            try database.connection.execute(
                """
                insert into egiz.project_namespace (namespace, project_id) values ('n', '\(a)');
                insert into egiz.project_thing (thing_id, project_id) values ('n:x', '\(a)'), ('n:y', '\(b)'), ('m:z', '\(b)');
                update egiz.project_thing set project_id = '\(a)' where thing_id = 'm:z';
                delete from egiz.project where project_id = '\(a)';
                """)
            let found = try await queries.moves(after: start.last, limit: 10)
            #expect(found.isWhole && found.moves.map(\.id) == found.moves.map(\.id).sorted())
            let told = found.moves.map { move in
                let name = { (project: ProjectID?) in project.map { $0.text == a ? "a" : "b" } ?? "-" }
                return "\(move.subject)\(move.isNamespace ? "*" : "") \(name(move.before))\(name(move.after))"
            }
            // That n:x is registered with the project that has it anyway is no move.
            #expect(told.prefix(4) == ["n* -a", "n:y ab", "m:z -b", "m:z ba"])
            #expect(told.dropFirst(4).contains("n* a-") && told.dropFirst(4).contains("m:z a-"))
            let part = try await queries.moves(after: start.last, limit: 2)
            #expect(part.moves.count == 2 && part.last == part.moves.last?.id)
            #expect(try await queries.moves(after: found.last, limit: 10).moves.isEmpty)
            try database.connection.execute("delete from egiz.belonging_change where change_id < \(found.last)")
            #expect(try await queries.moves(after: start.last, limit: 10).isWhole == false)
        }
    }

    @Test func aMoveMattersWhereThereIsATwinOrAWholeNamespaceGoes() async throws {
        try database.connection.execute(
            """
            insert into egiz.twin (thing_id, stage, partition, revision, document, input_topic, input_partition, input_offset)
            values ('n:there', 's', 0, 1, '{}', 'e', 0, 1)
            """)
        try await withQueries { queries in
            let start = try await queries.moves(after: nil, limit: 10)
            try database.connection.execute(
                """
                insert into egiz.project_namespace (namespace, project_id) values ('m', '\(a)');
                insert into egiz.project_thing (thing_id, project_id) values ('n:new', '\(a)'), ('n:there', '\(a)');
                """)
            let moves = try await queries.moves(after: start.last, limit: 10).moves
            #expect(moves.filter(\.matters).map(\.subject) == ["m", "n:there"] && moves.count == 3)
        }
    }

    /// A project that is deleted may take tens of thousands of things along: not each of them looks for what is too old.
    @Test func oldMovesAreForgottenNowAndThen() throws {
        let connection = database.connection
        func old() throws -> Int { try connection.query("select from egiz.belonging_change where change_id = 1").count }
        try connection.execute(
            """
            insert into egiz.project_thing (thing_id, project_id) values ('n:1', '\(a)');
            alter table egiz.belonging_change alter column change_id restart with 20998;
            insert into egiz.project_thing (thing_id, project_id) values ('n:2', '\(a)'), ('n:3', '\(a)');
            """)
        #expect(try old() == 1)
        try connection.execute("insert into egiz.project_thing (thing_id, project_id) values ('n:4', '\(a)')")
        #expect(try old() == 0)
        #expect(try connection.query("select from egiz.belonging_change").count == 3)
    }

    @Test func aPageIsBoundedInBytesAndHasAtLeastOneThing() async throws {
        // Random, so that it is stored as long as it is.
        try database.connection.execute(
            """
            insert into egiz.twin (thing_id, stage, partition, revision, document, input_topic, input_partition, input_offset)
            select 'n:' || n, 's', 0, 1, json_build_object('a', (select string_agg(md5(random()::text || n || m), '')
                from generate_series(1, 500) m)), 'e', 0, n
            from generate_series(1, 9) n
            """)
        let question = LiveQueries.Question(
            things: nil, projects: nil, scope: .all, twins: true, scenes: false, alerts: false, predictions: false)
        try await withQueries { queries in
            var pages: [[String]] = []
            var after: String?
            repeat {
                let page = try await queries.page(question, after: after, limit: 4, bytes: 20_000)
                pages.append(page.twins.map(\.thing))
                after = page.next
            } while after != nil
            #expect(pages.flatMap(\.self) == (1...9).map { "n:\($0)" })
            #expect(pages.map(\.count).max() ?? 0 < 4, "bytes, not things, bound it")
            let one = try await queries.page(question, after: nil, limit: 4, bytes: 1)
            #expect(one.twins.map(\.thing) == ["n:1"] && one.next == "n:1")
            let whole = try await queries.page(question, after: "n:5", limit: 4, bytes: 1 << 30)
            #expect(whole.twins.count == 4 && whole.next == nil)
        }
    }
}
