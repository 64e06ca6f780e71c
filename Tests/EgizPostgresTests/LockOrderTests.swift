import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import Testing

@testable import EgizPostgres

/// Rule 1: whatever locks several rows locks them in the order of their keys, however they are named and wherever they lie.
///
/// In each test another session holds the row with the highest key. Who keeps to the order has locked the lowest one by the
/// time it must wait for the highest; who does not waits without it, and could so wait for somebody who has it.
@Suite struct LockOrderTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    /// Of the partitions 2, 1 and 0, in this order; the rows lie so in the table, too.
    let leases: [TaskLease]

    static let probeTask = "select from egiz.task where partition = 0 for update"

    init() throws {
        database = try TestDatabase()
        store = database.store()
        var leases: [TaskLease] = []
        for partition in [2, 1, 0] as [Int32] {
            leases += try store.acquire([Epochs.task(partition)], partitions: 3, topologyVersion: 1)
        }
        self.leases = leases
    }

    @Test func theFenceOfAnEpochLocksTasksInOrder() throws {
        let writer = database.writer()
        // The first epoch writes the backend into the rows as well.
        #expect(try writer.commit(Epochs.write(leases.map { Epochs.advance($0, 1) })).isCommitted)
        try layReversed()
        let epoch = Epochs.write(leases.map { Epochs.advance($0, 2) })
        try expectOrder(holding: Self.holdTask, probe: Self.probeTask) {
            try writer.commit(epoch).isCommitted
        }
    }

    @Test func theFirstEpochOfATaskLocksTasksInOrder() throws {
        let writer = database.writer()
        try layReversed()
        let epoch = Epochs.write(leases.map { Epochs.advance($0, 1) })
        try expectOrder(holding: Self.holdTask, probe: Self.probeTask) {
            try writer.commit(epoch).isCommitted
        }
    }

    @Test func releasingLocksTasksInOrder() throws {
        try layReversed()
        try expectOrder(holding: Self.holdTask, probe: Self.probeTask) {
            try store.release(leases)
            return true
        }
    }

    @Test func repositioningLocksTasksInOrder() throws {
        let log = LogIdentity(clusterID: "c", embeddedLog: nil)
        let moves = leases.map { TaskMove(lease: $0, positions: ["twins": NextOffset(stored: 0)], log: log, gaps: []) }
        try layReversed()
        try expectOrder(holding: Self.holdTask, probe: Self.probeTask) {
            try store.reposition(moves)
            return true
        }
    }

    @Test func takingOverLocksTasksInOrder() throws {
        try layReversed()
        // The rows in the order they lie, not in that of the index.
        try database.connection.execute(
            "alter database \(database.name) set enable_indexscan = off; alter database \(database.name) set enable_bitmapscan = off"
        )
        let other = database.store("worker-b")
        try expectOrder(holding: Self.holdTask, probe: Self.probeTask) {
            try other.acquire(leases.map(\.task), partitions: 3, topologyVersion: 1).map(\.task.partition) == [0, 1, 2]
        }
    }

    @Test func newTasksAreMadeInOrder() throws {
        let new = { (partition: Int) in "insert into egiz.task (stage, partition) values ('line.other', \(partition))" }
        let stage = StageName(topology: "line", source: "other")
        _ = try store.acquire([Epochs.task(7, stage)], partitions: 8, topologyVersion: 1)
        try expectOrder(holding: new(5), probe: new(3)) {
            let tasks = [5, 4, 3].map { Epochs.task($0, stage) }
            return try store.acquire(tasks, partitions: 8, topologyVersion: 1).count == 3
        }
    }

    @Test(arguments: [1, .max]) func newSeriesAreMadeInOrder(_ fewestToCopy: Int) throws {
        let new = { (thing: String) in "insert into egiz.series (thing_id, path) values ('\(thing)', '/x')" }
        let columns = try ["a:z", "a:m", "a:a"].map { Epochs.numbers(try Epochs.key($0, "/x"), [(Epochs.start, 1)]) }
        let connection = try PostgresConnection(url: database.url, applicationName: "resolver")
        try expectOrder(holding: new("a:z"), probe: new("a:a")) {
            _ = try SeriesResolver.resolve(columns, fewestToCopy: fewestToCopy, connection)
            return columns.allSatisfy { $0.series.databaseID != nil }
        }
    }

    /// What retention a series has is for the owner of its task to say: nobody may take the task between that question and the move.
    @Test func aSeriesMovesToAnotherRetentionWithTheTasksLocked() throws {
        let advances = leases.map { Epochs.advance($0, 1) }.sorted { $0.task < $1.task }
        let old = Epochs.numbers(try Epochs.key("a:a", "/x"), [(Epochs.start, 1)])
        #expect(try SeriesResolver.resolve([old], of: advances, database.connection))
        let rule = HistoryRetention([.init(include: [try #require(PathPattern("/x"))], exclude: [], days: 10)])
        let column = Epochs.numbers(try Epochs.key("a:a", "/x"), [(Epochs.start, 1)])
        let connection = try PostgresConnection(url: database.url, applicationName: "resolver")
        try expectOrder(holding: "select from egiz.series for update", probe: Self.probeTask) {
            try SeriesResolver.resolve([column], of: advances, keptFor: rule, connection)
        }
        #expect(try database.count("series where retention = 10") == 1)
        // Taken over: the old owner sets nothing back.
        let next = try database.store("worker-b").acquire([Epochs.task(1)], partitions: 3, topologyVersion: 1)
        #expect(next.count == 1)
        let late = Epochs.numbers(try Epochs.key("a:a", "/x"), [(Epochs.start, 1)])
        #expect(try SeriesResolver.resolve([late], of: advances, connection) == false)
        #expect(try database.count("series where retention = 10") == 1)
    }

    // Within one statement, and from one to the next.
    @Test(arguments: [1999, 2999]) func twinsAreWrittenInTheOrderOfTheEpochWhichIsThatOfTheirKeys(_ last: Int) throws {
        let new = { (thing: String) in
            """
            insert into egiz.twin (thing_id, stage, partition, revision, input_topic, input_partition, input_offset)
            values ('\(thing)', 'line.events', 0, 1, 'twins', 0, 9)
            """
        }
        let writer = database.writer()
        let lease = try #require(leases.last)
        let twins = try (10_000..<13_000).map { try Epochs.twin("a:t\($0)") }
        try expectOrder(holding: new("a:t\(10_000 + last)"), probe: new("a:t10000")) {
            try writer.commit(Epochs.write([Epochs.advance(lease, 1)], [], twins)).isCommitted
        }
    }

    // MARK: The apparatus

    private static let holdTask = "select from egiz.task where partition = 2 for update"

    /// Puts the rows of the tasks into the table in descending order of their keys, so that a scan does not give the right order
    /// by chance.
    private func layReversed() throws {
        // Without holes, and in one transaction, whose older versions nobody may clear away yet: each row goes behind the one before.
        try database.connection.execute("vacuum full egiz.task")
        try database.connection.execute("begin")
        for partition in [2, 1, 0] {
            try database.connection.execute(
                "update egiz.task set acquired_at = clock_timestamp() where partition = \(partition)")
        }
        try database.connection.execute("commit")
        let order = try database.connection.query("select partition from egiz.task order by ctid").map { $0.int64(0) }
        try #require(order == [2, 1, 0])
    }

    /// Runs `body` on a thread of its own while another session holds what `holding` locks, and expects that a third one then
    /// finds locked what `probe` wants, and that the body answers true once it may go on.
    private func expectOrder(
        holding: String, probe: String, _ body: @escaping () throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let holder = try PostgresConnection(url: database.url, applicationName: "holder")
        let prober = try PostgresConnection(url: database.url, applicationName: "prober")
        try holder.execute("begin; \(holding)")
        let running = Running(body)
        var isLocked = false
        let deadline = ContinuousClock.now.advanced(by: .seconds(20))
        while !isLocked, !running.isDone, ContinuousClock.now < deadline {
            do throws(EngineError) {
                try prober.execute("begin; set local lock_timeout = '10ms'; \(probe)")
            } catch {
                guard error.detail == "55P03" else { throw error }
                isLocked = true
            }
            prober.rollback()
        }
        holder.rollback()
        #expect(
            isLocked, "the row of the lowest key is free while the highest is waited for",
            sourceLocation: sourceLocation)
        let result = try #require(running.wait(seconds: 20), sourceLocation: sourceLocation)
        #expect(try result.get(), sourceLocation: sourceLocation)
    }

    /// Unchecked: the body runs on its thread alone, the rest is guarded by `condition`.
    private final class Running: @unchecked Sendable {
        private let condition = NSCondition()
        private let body: () throws -> Bool
        private var result: Result<Bool, any Error>?

        init(_ body: @escaping () throws -> Bool) {
            self.body = body
            Thread { [self] in
                let result = Result { try self.body() }
                condition.lock()
                self.result = result
                condition.broadcast()
                condition.unlock()
            }.start()
        }

        var isDone: Bool { wait(seconds: 0) != nil }

        /// What the body came to; nil when it has not ended by then.
        func wait(seconds: Double) -> Result<Bool, any Error>? {
            let deadline = Date(timeIntervalSinceNow: seconds)
            condition.lock()
            defer { condition.unlock() }
            while result == nil {
                guard condition.wait(until: deadline) else { break }
            }
            return result
        }
    }
}
