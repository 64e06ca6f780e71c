import EgizCore
import EgizPostgres
import Foundation
import Synchronization
import Testing

@Suite struct PoolTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase(migrated: false) }

    @Test func callsRunSideBySideOnTheirOwnConnections() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "pool", size: 3)
        defer { pool.close() }
        // Each waits inside for the other two: only three connections at once can pass.
        let pids = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await pool.run { connection in
                        try connection.execute("select pg_advisory_lock_shared(7)")
                        let deadline = Date(timeIntervalSinceNow: 20)
                        while try connection.query(
                            "select count(*) from pg_locks where locktype = 'advisory' and objid = 7 and database = (select oid from pg_database where datname = current_database())"
                        ).first?.int64(0) != 3 {
                            guard Date.now < deadline else { return -1 }
                        }
                        return Int64(connection.backendPID)
                    }
                }
            }
            var pids: Set<Int64> = []
            for try await pid in group { pids.insert(pid) }
            return pids
        }
        #expect(pids.count == 3 && !pids.contains(-1))
    }

    @Test func aCallThatGetsNoConnectionInTimeIsTurnedAway() async throws {
        let pool = PostgresPool(
            url: database.url, applicationName: "pool", size: 1, acquireTimeout: .milliseconds(50), mostWaiting: 1)
        defer { pool.close() }
        let gate = Gate()
        let busy = Task {
            try await pool.run { _ in
                gate.started()
                gate.waitUntilOpen()
            }
        }
        await gate.hasStarted()
        let error = await #expect(throws: EngineError.self) { try await pool.run { _ in } }
        #expect(error?.retry == .backoff)
        gate.open()
        try await busy.value
        try await pool.run { _ in }
    }

    @Test func aCancelledCallDoesNotWait() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "pool", size: 1, acquireTimeout: .seconds(60))
        defer { pool.close() }
        let gate = Gate()
        let busy = Task {
            try await pool.run { _ in
                gate.started()
                gate.waitUntilOpen()
            }
        }
        await gate.hasStarted()
        let waiting = Task { try await pool.run { _ in } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.open()
        try await busy.value
    }

    @Test func anOpenTransactionDoesNotReachTheNextCaller() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "pool", size: 1)
        defer { pool.close() }
        try await pool.run { try $0.execute("begin; create table left_over (a int)") }
        let found = try await pool.run { try $0.query("select to_regclass('left_over') is not null").first?.bool(0) }
        #expect(found == false)
    }

    @Test func aLostConnectionIsReplaced() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "pool", size: 1)
        defer { pool.close() }
        let pid = try await pool.run { Int64($0.backendPID) }
        _ = try database.connection.query("select pg_terminate_backend($1::int, 5000)", [.int64(pid)])
        let next = try await pool.run { connection in
            _ = try connection.query("select 1")
            return Int64(connection.backendPID)
        }
        #expect(next != pid)
    }

    @Test func aClosedPoolSaysSo() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "pool", size: 1)
        pool.close()
        let error = await #expect(throws: EngineError.self) { try await pool.run { _ in } }
        #expect(error?.retry == .stop)
    }
}

/// Holds a thread of the pool until the test lets it go.
///
/// Unchecked: `condition` guards the state.
private final class Gate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = false
    private let starts = AsyncStream<Void>.makeStream()

    func started() { starts.continuation.yield() }

    func hasStarted() async {
        for await _ in starts.stream { return }
    }

    func open() {
        condition.lock()
        isOpen = true
        condition.broadcast()
        condition.unlock()
    }

    func waitUntilOpen() {
        condition.lock()
        let deadline = Date(timeIntervalSinceNow: 30)
        while !isOpen, condition.wait(until: deadline) {}
        condition.unlock()
    }
}
