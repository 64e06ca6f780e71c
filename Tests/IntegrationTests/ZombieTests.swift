import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// A worker that stands still (SIGSTOP) for longer than the session timeout: another one takes over, and when the first wakes up
/// it writes nothing and goes on as a member.
@Suite(.serialized)
struct ZombieTests {
    private struct Fleet {
        let world: TestWorld
        let topic: String
        let first: Program
        let second: Program
        let simulator: Program
        let connection: PostgresConnection
        static var events: Int { 20_000 }

        init() throws {
            world = try TestWorld(topics: [("ditto.twin.events.v1", 8)])
            topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 8)
            first = try world.startWorker(file)
            second = try world.startWorker(file)
            connection = try world.connect()
            let worldToFill = world
            // Long enough to go on after the first worker woke up; where everything is done sooner, the log is simply read to its end.
            simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", worldToFill.brokers, "--format", "ditto", "--machines", "40", "--events",
                    "\(Self.events)", "--rate", "800", "--seed", "13", "--topic-ditto", topic,
                ])
            let isShared = try eventually(within: 60) { try owners() == [first.pid: 4, second.pid: 4] }
            try #require(isShared, "\(String(describing: try? owners()))\n\(first.output)\n\(second.output)")
        }

        /// Tasks of each process.
        func owners() throws -> [Int32: Int] {
            let rows = try connection.query(
                "select worker_pid, count(*) from egiz.task where worker_pid is not null group by 1")
            var owners: [Int32: Int] = [:]
            for row in 0..<rows.count { owners[Int32(rows.int64(row, 0))] = Int(rows.int64(row, 1)) }
            return owners
        }

        func processed() throws -> Int64 {
            try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
        }

        /// The state of the session that commits for a process, and whether it waits for a lock.
        func committing(_ program: Program) throws -> (state: String, waitsForLock: Bool)? {
            let rows = try connection.query(
                """
                select state, coalesce(wait_event_type, '') from pg_stat_activity
                where application_name = (
                    select 'egiz-commit-' || left(worker_id, 8) from egiz.task where worker_pid = \(program.pid) limit 1)
                """)
            return rows.isEmpty ? nil : (rows.string(0, 0), rows.string(0, 1) == "Lock")
        }

        /// Waits until the second worker has everything and commits; how long the takeover took since `stop`, in seconds.
        func awaitTakeover(since stop: Date) throws -> Double {
            let isTaken = try eventually(within: 60) { try owners() == [second.pid: 8] }
            try #require(isTaken, "\(String(describing: try? owners()))\n\(second.output)")
            let taken = Date.now.timeIntervalSince(stop)
            let before = try processed()
            let goesOn = try eventually(within: 30) { try processed() > before + 100 }
            #expect(goesOn, "the new owner does not commit\n\(second.output)")
            return taken
        }

        /// Waits until both share again and the log is processed to its end, and compares.
        func finish() throws {
            let isShared = try eventually(within: 60) { try owners() == [first.pid: 4, second.pid: 4] }
            #expect(isShared, "\(String(describing: try? owners()))\n\(first.output)\n\(second.output)")
            #expect(simulator.wait() == 0, "\(simulator.output)")
            let fold = try LogFold(world: world, topic: topic)
            let isDone = try eventually(within: 90) { try processed() >= Int64(fold.records) }
            #expect(isDone, "\(first.output)\n\(second.output)")
            #expect(first.stop() == 0, "\(first.output)")
            #expect(second.stop() == 0, "\(second.output)")
            let stored = try StoredState(connection)
            let differences = stored.differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
            #expect(stored.deadLetters == 0)
            let applied = try connection.query(
                "select sum((counters->>'applied')::bigint)::bigint from egiz.task")
            #expect(applied.int64(0, 0) == Int64(fold.records), "each record counts once")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func aWorkerThatWakesUpAfterItsTasksWereTakenOverWritesNothing() async throws {
        try await blocking {
            let fleet = try Fleet()
            let moving = try eventually(within: 60) { try fleet.processed() > 1000 }
            #expect(moving)
            fleet.first.send(SIGSTOP)
            _ = try fleet.awaitTakeover(since: .now)
            fleet.first.send(SIGCONT)
            let isSaid = eventually(within: 60) {
                fleet.first.output.contains("another worker owns tasks")
                    || fleet.first.output.contains("gave tasks of this thread to others")
            }
            #expect(isSaid, "\(fleet.first.output)")
            try fleet.finish()
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func aWorkerStoppedInsideItsTransactionDoesNotBlockTheTakeoverAndIsFenced() async throws {
        try await blocking {
            let fleet = try Fleet()
            let moving = try eventually(within: 60) { try fleet.processed() > 1000 }
            #expect(moving)
            // Holds every commit behind its fence, so that the worker can be stopped exactly there. A lock that times out at that very
            // moment ends the transaction instead: then once more.
            let gate = try fleet.world.connect()
            var stop = Date.now
            var isStuck = false
            for _ in 0..<3 where !isStuck {
                try gate.execute("begin; lock table egiz.twin in share mode")
                let isInside = try eventually(within: 30) {
                    try fleet.committing(fleet.first)?.waitsForLock == true
                }
                #expect(isInside, "\(fleet.first.output)")
                fleet.first.send(SIGSTOP)
                stop = .now
                try gate.execute("rollback")
                isStuck = try eventually(within: 10) {
                    try fleet.committing(fleet.first)?.state == "idle in transaction"
                }
                if !isStuck { fleet.first.send(SIGCONT) }
            }
            #expect(isStuck, "the stopped worker's session is not inside its transaction")
            // Well before the server itself would end a session that is idle in a transaction (30 s).
            let seconds = try fleet.awaitTakeover(since: stop)
            #expect(seconds < 25, "the takeover took \(seconds) s")
            let session = try fleet.committing(fleet.first)
            #expect(session == nil, "the old owner's session still stands")
            fleet.first.send(SIGCONT)
            let isSaid = eventually(within: 60) { fleet.first.output.contains("another worker owns tasks") }
            #expect(isSaid, "\(fleet.first.output)")
            try fleet.finish()
        }
    }
}
