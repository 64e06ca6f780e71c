import EgizCore
import EgizPostgres
import Foundation
import Glibc
import Testing

/// A server that is stopped answers nothing and enforces no timeout: the client has to.
@Suite struct DeadlineTests {
    private func connection(_ database: TestDatabase) throws -> PostgresConnection {
        var settings = PostgresSettings()
        settings.answerTimeout = .milliseconds(200)
        return try PostgresConnection(url: database.url, applicationName: "deadline", settings: settings)
    }

    @Test func aServerThatDoesNotAnswerIsLeft() throws {
        let database = try TestDatabase(migrated: false)
        let connection = try connection(database)
        #expect(try connection.query("select 1").first?.int64(0) == 1)
        let began = ContinuousClock.now
        for sql in ["select pg_sleep(20)", "select 1; select pg_sleep(20)"] {
            let error = #expect(throws: EngineError.self) { try connection.execute(sql) }
            #expect(error?.retry == .backoff)
            #expect(connection.isBroken)
            try connection.ensureConnected()
        }
        let error = #expect(throws: EngineError.self) { try connection.query("select pg_sleep($1)", [.double(20)]) }
        #expect(error?.retry == .backoff && connection.isBroken)
        #expect(ContinuousClock.now - began < .seconds(10))
    }

    @Test func aServerThatIsOnlySlowGetsMoreTimeEachTime() throws {
        let database = try TestDatabase(migrated: false)
        let connection = try connection(database)
        var misses = 0
        while true {
            do {
                try connection.ensureConnected()
                _ = try connection.query("select pg_sleep(0.9)")
                break
            } catch { misses += 1 }
            try #require(misses < 5)
        }
        #expect(misses >= 2)
    }

    @Test func aFailedStatementIsStillAnErrorOfItsOwn() throws {
        let database = try TestDatabase(migrated: false)
        let connection = try connection(database)
        #expect(#expect(throws: EngineError.self) { try connection.query("select 1 / 0") }?.detail == "22012")
        #expect(
            #expect(throws: EngineError.self) { try connection.execute("select 1; select nothing") }?.detail == "42703")
        #expect(#expect(throws: EngineError.self) { try connection.query("select wrong") }?.detail == "42703")
        let rows = try connection.transaction { connection throws(EngineError) in try connection.query("select 2") }
        #expect(rows.first?.int64(0) == 2)
        #expect(!connection.isBroken)
    }

    /// More than any socket buffer holds, so that sending stalls as well. A server elsewhere cannot be stopped from here.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["EGIZ_DATABASE_URL"] == nil))
    func aStoppedServerThatReadsNothingIsLeft() throws {
        let database = try TestDatabase(migrated: false)
        let connection = try connection(database)
        let pid = connection.backendPID
        #expect(kill(pid, SIGSTOP) == 0)
        defer { kill(pid, SIGCONT) }
        let began = ContinuousClock.now
        let error = #expect(throws: EngineError.self) {
            try connection.query("select length($1)", [.bytes([UInt8](repeating: 1, count: 64 << 20))])
        }
        #expect(error?.retry == .backoff && connection.isBroken)
        #expect(ContinuousClock.now - began < .seconds(5))
    }
}
