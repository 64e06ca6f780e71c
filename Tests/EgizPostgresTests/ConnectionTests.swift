import EgizCore
import Foundation
import TestSupport
import Testing

@testable import EgizPostgres

@Suite struct ConnectionTests {
    let database: TestDatabase
    var connection: PostgresConnection { database.connection }

    init() throws { database = try TestDatabase(migrated: false) }

    @Test func everyParameterComesBackAsItWasSent() throws {
        let rows = try connection.query(
            "select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11",
            [
                .text("grün\u{1F600}"), .int64(.min), .double(-0.0), .bool(true), .bytes([0, 255, 0]),
                .timestamp(microseconds: -1), .textArray(["a", nil, ""]), .int64Array([.max, nil]),
                .doubleArray([.infinity, nil]),
                .timestampArray([0, nil, Epochs.start]), .bytesArray([[0], nil, []]),
            ])
        let row = try #require(rows.first)
        #expect(row.text(0) == "grün\u{1F600}")
        #expect(row.int64(1) == .min)
        #expect(row.double(2)?.sign == .minus)
        #expect(row.bool(3) == true)
        #expect(row.bytes(4) == [0, 255, 0])
        #expect(row.timestamp(5) == -1)
        #expect(row.textArray(6) == ["a", nil, ""])
        #expect(row.int64Array(7) == [.max, nil])
        #expect(row.doubleArray(8) == [.infinity, nil])
        #expect(row.timestampArray(9) == [0, nil, Epochs.start])
        let length = row.withBytes(10) { $0?.count }
        #expect(length == 33)
    }

    @Test func emptyArraysAndNullsComeBack() throws {
        let rows = try connection.query(
            "select $1::text, $2, $3, cardinality($2), 'infinity'::timestamptz",
            [PostgresValue.null, .textArray([]), .int64Array([])])
        let row = try #require(rows.first)
        #expect(row.isNull(0) && row.text(0) == nil && row.int64(0) == nil)
        #expect(row.textArray(1) == [])
        #expect(row.int64Array(2) == [])
        #expect(row.int64(3) == 0)
        #expect(row.timestamp(4) == .max)
    }

    @Test func numericsAreReadAsTheNearestDouble() throws {
        let texts = [
            "0", "1", "-1", "0.5", "10000", "123456789.000001", "-98765432109876543210", "1e-20", "12300000000",
        ]
        for text in texts {
            let row = try #require(connection.query("select $1::text::numeric", [.text(text)]).first)
            #expect(row.double(0) == Double(text))
        }
    }

    @Test func smallerNumbersAreWidened() throws {
        let row = try #require(
            connection.query(
                "select 1::int2, -2::int4, 1.5::float4, 7::numeric, '{1,2}'::int4[], '{\"a\":1}'::jsonb, 3.0::float8"
            ).first)
        #expect(row.int64(0) == 1 && row.int64(1) == -2 && row.double(2) == 1.5 && row.int64(3) == 7)
        #expect(row.int64Array(4) == [1, 2])
        #expect(row.text(5) == "{\"a\": 1}")
        #expect(row.int64(6) == 3 && row.double(1) == -2)
        #expect(row.int64(5) == nil)
    }

    @Test func oneTextWithOtherTypesIsAnotherStatement() throws {
        let sql = "select $1 is null"
        #expect(try connection.query(sql, [.int64(1)]).first?.bool(0) == false)
        #expect(try connection.query(sql, [.text("x")]).first?.bool(0) == false)
        #expect(try connection.query(sql, [.int64(2)]).first?.bool(0) == false)
    }

    @Test func moreStatementsThanAreKeptStillWork() throws {
        for n in 0..<600 { #expect(try connection.query("select \(n)").first?.int64(0) == Int64(n)) }
        #expect(try connection.query("select 0").first?.int64(0) == 0)
        #expect(try connection.query("select count(*) from pg_prepared_statements").first?.int64(0) ?? 999 <= 256)
    }

    @Test func aThrowingTransactionLeavesNothing() throws {
        try connection.execute("create table t (a int)")
        #expect(throws: EngineError.self) {
            try connection.transaction { connection throws(EngineError) in
                try connection.execute("insert into t values (1)")
                throw EngineError(.bug, .stop, "stop")
            }
        }
        #expect(!connection.isInTransaction)
        #expect(try connection.query("select * from t").isEmpty)
    }

    @Test func aSwallowedErrorDoesNotLookLikeACommit() throws {
        try connection.execute("create table t (a int)")
        let error = #expect(throws: EngineError.self) {
            try connection.transaction { connection throws(EngineError) in
                try connection.execute("insert into t values (1)")
                try? connection.execute("select 1 / 0")
            }
        }
        #expect(error?.message.contains("rolled back") == true)
    }

    @Test func aCopyThatIsGivenUpLeavesNothing() throws {
        try connection.execute("create table t (a int)")
        let error = #expect(throws: EngineError.self) {
            try connection.copyIn("copy t from stdin (format binary)") { copy throws(EngineError) in
                try copy.row(columns: 1)
                copy.int32(1)
                throw EngineError(.bug, .stop, "mine")
            }
        }
        #expect(error?.message == "mine")
        #expect(try connection.query("select * from t").isEmpty)
    }

    @Test func aCopyOfManyChunksArrivesWhole() throws {
        try connection.execute(
            "create table t (a int8, b text, c bool, d float8, e timestamptz, f text[], g bytea, h int2)")
        let n = 20_000
        let rows = try connection.copyIn("copy t from stdin (format binary)") { copy throws(EngineError) in
            for index in 0..<n {
                try copy.row(columns: 8)
                copy.int64(Int64(index))
                copy.text("row \(index)")
                copy.bool(index % 2 == 0)
                copy.double(0.5)
                copy.timestamp(microseconds: Int64(index))
                copy.texts(["a", nil])
                copy.bytes([0])
                copy.int16(7)
            }
        }
        #expect(rows == n)
        let sum = try connection.query(
            "select count(*), sum(a), count(*) filter (where c), max(e), min(b), count(f[1]), count(f[2]), sum(length(g)), sum(h) from t"
        )
        let row = try #require(sum.first)
        #expect(row.int64(0) == Int64(n) && row.int64(1) == Int64(n * (n - 1) / 2) && row.int64(2) == Int64(n / 2))
        #expect(row.timestamp(3) == Int64(n - 1) && row.text(4) == "row 0")
        #expect(
            row.int64(5) == Int64(n) && row.int64(6) == 0 && row.int64(7) == Int64(n) && row.int64(8) == Int64(n * 7))
    }

    @Test func whatTheServerRefusesInACopyIsItsError() throws {
        try connection.execute("create table t (a int4)")
        let error = #expect(throws: EngineError.self) {
            try connection.copyIn("copy t from stdin (format binary)") { copy throws(EngineError) in
                try copy.row(columns: 1)
                copy.int64(1)
            }
        }
        #expect(error?.detail == "22P03")
        #expect(error?.retry == .never)
        #expect(try connection.query("select 1").count == 1)
    }

    // MARK: Errors

    @Test func nobodyListeningMeansTryAgain() throws {
        let port = try FreePort.find()
        let error = #expect(throws: EngineError.self) {
            try PostgresConnection(url: "postgres://u:hush@127.0.0.1:\(port)/d", applicationName: "t")
        }
        #expect(error?.retry == .backoff)
        #expect(error?.message.contains("127.0.0.1:\(port)/d") == true)
    }

    @Test func anUnknownDatabaseMeansStop() throws {
        let error = #expect(throws: EngineError.self) {
            try PostgresConnection(url: TestPostgres.url(database: "no_such_database"), applicationName: "t")
        }
        #expect(error?.retry == .stop)
        #expect(error?.detail == "3D000")
    }

    @Test func passwordsAreNeverInMessages() throws {
        var parts = try #require(URLComponents(string: database.url))
        parts.password = "hush-hush"
        let urls = [
            parts.string ?? "", "postgres://u:hush-hush@127.0.0.1:port/d", "postgres://u:hush-hush@h/d?unknown=1",
            "postgres://u:hush-hush@[::1/d",
        ]
        for url in urls {
            // A server that trusts everybody takes any password: then there is nothing to see.
            do { _ = try PostgresConnection(url: url, applicationName: "t") } catch {
                #expect(!error.message.contains("hush"), "\(error)")
                #expect(error.retry == .stop, "\(error)")
            }
        }
    }

    @Test func aMessageQuotesNoRow() throws {
        try connection.execute("create table t (a text primary key)")
        let sql = "insert into t values ($1)"
        _ = try connection.query(sql, [.text("secret")])
        let error = #expect(throws: EngineError.self) { try connection.query(sql, [.text("secret")]) }
        #expect(error?.detail == "23505")
        #expect(error?.message.contains("secret") == false)
    }

    @Test func anEndedSessionIsNoticedAndOpenedAgain() throws {
        let other = try PostgresConnection(url: database.url, applicationName: "other")
        _ = try other.query("select 1")
        #expect(try !other.ensureConnected())
        _ = try connection.query("select pg_terminate_backend($1::int, 5000)", [.int64(Int64(other.backendPID))])
        #expect(try other.ensureConnected())
        #expect(try other.query("select 1").first?.int64(0) == 1)
    }

    @Test func sessionsAreSetUpAsTheRulesWant() throws {
        let row = try #require(
            connection.query(
                "select current_setting('synchronous_commit'), current_setting('timezone'), current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'), current_setting('client_encoding')"
            ).first)
        #expect((0..<5).map { row.text($0) } == ["on", "UTC", "30s", "egiz-test", "UTF8"])
    }
}
