import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation
import TestSupport
import Testing

@Suite struct FencingTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    @Test func anEpochIsReadBackByTheNextOwner() throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(lease.ownerEpoch == 1 && lease.epoch == 0 && lease.positions.isEmpty && lease.previousOwner == nil)
        let log = LogIdentity(clusterID: "c", embeddedLog: nil)
        try store.reposition(lease, to: ["twins": NextOffset(stored: 0)], log: log, gaps: [])
        let column = Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start, 1.5)])
        let outcome = try database.writer().commit(
            Epochs.write(
                [Epochs.advance(lease, 1, next: 42)], [column], [Epochs.twin("a:b")], [Epochs.letter(offset: 3)]))
        #expect(outcome.isCommitted)

        let next = try #require(
            database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(next.ownerEpoch == 2 && next.epoch == 1)
        #expect(next.positions["twins"]?.next.raw == 42)
        #expect(
            next.positions["twins"]?.mark
                == RecordMark(offset: 41, timestamp: EventTime(microseconds: Epochs.start), crc: 0xFFFF_FFF0))
        #expect(next.counters.records == 42)
        #expect(next.streamTime?.microseconds == Epochs.start)
        #expect(next.log == log)
        #expect(next.previousOwner == "worker-a (host, process 7)")
        #expect(try database.history("a:b") == ["/x@\(Epochs.start) number 1.5"])
    }

    @Test func aZombieWritesNothing() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let zombie = database.writer()
        _ = try zombie.commit(Epochs.write([Epochs.advance(lease, 1)]))
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        let column = Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start, 1)])
        let outcome = try zombie.commit(
            Epochs.write(
                [Epochs.advance(lease, 2, next: 99)], [column], [Epochs.twin("a:b")], [Epochs.letter(offset: 3)]))
        #expect(outcome.fenced == [Epochs.task()])
        #expect(try database.count("twin") == 0)
        #expect(try database.count("history_segment") == 0)
        #expect(try database.count("dead_letter") == 0)
        #expect(try database.count("task_offset where next_offset = 99") == 0)
    }

    @Test func oneFencedTaskStopsTheWholeEpoch() throws {
        let leases = try database.store().acquire([Epochs.task(0), Epochs.task(1)], partitions: 2, topologyVersion: 1)
        _ = try database.store("worker-b").acquire([Epochs.task(1)], partitions: 2, topologyVersion: 1)
        let outcome = try database.writer().commit(
            Epochs.write(leases.map { Epochs.advance($0, 1) }, [], [Epochs.twin("a:b")]))
        #expect(outcome.fenced == [Epochs.task(1)])
        #expect(try database.count("twin") == 0)
        #expect(try database.count("task where epoch > 0") == 0)
    }

    @Test func anEpochThatLandedIsNotWrittenTwice() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let epoch = Epochs.write(
            [Epochs.advance(lease, 1)], [Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start, 1)])])
        #expect(try database.writer().commit(epoch).isCommitted)
        #expect(try database.writer().commit(epoch).isCommitted)
        #expect(try database.count("history_segment") == 1)
    }

    @Test func aCommitWhoseAnswerIsLostIsFoundOut() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let proxy = try CuttingProxy(to: database.url)
        let writer = PostgresEpochWriter(url: proxy.url, worker: TestDatabase.worker())
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, 1)])).isCommitted)
        proxy.cutAfter("commit")
        let epoch = Epochs.write(
            [Epochs.advance(lease, 2)], [Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start, 1)])])
        // The preparations commit too; whichever attempt is cut, trying again must end with one copy.
        var cuts = 0
        var outcome: CommitOutcome?
        while outcome == nil, cuts < 5 {
            do { outcome = try writer.commit(epoch) } catch {
                #expect(error.retry == .backoff, "\(error)")
                cuts += 1
                if try database.count("history_segment") == 0 { proxy.cutAfter("commit") }
            }
        }
        #expect(outcome?.isCommitted == true)
        #expect(cuts > 0)
        #expect(try database.count("history_segment") == 1)
        #expect(try database.count("task where epoch = 2") == 1)
    }

    @Test func aStoppedOwnerThatHoldsTheRowIsEnded() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let stuck = try PostgresConnection(url: database.url, applicationName: "stuck")
        _ = try stuck.query(
            """
            update egiz.task set backend_pid = pg_backend_pid(),
                backend_start = (select backend_start from pg_stat_activity where pid = pg_backend_pid())
            """)
        try stuck.execute("begin; update egiz.task set epoch = 1")
        let next = try #require(
            database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(next.ownerEpoch == lease.ownerEpoch + 1 && next.epoch == 0)
        #expect(throws: EngineError.self) { try stuck.execute("commit") }
        #expect(stuck.isBroken)
    }

    @Test func anOwnerThatStoppedInsideACopyIsEnded() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let stuck = try PostgresConnection(url: database.url, applicationName: "stuck")
        _ = try stuck.query(
            """
            update egiz.task set backend_pid = pg_backend_pid(),
                backend_start = (select backend_start from pg_stat_activity where pid = pg_backend_pid())
            """)
        try stuck.execute("create table t (a int); begin; update egiz.task set epoch = 1")
        var next: TaskLease?
        do {
            try stuck.copyIn("copy t from stdin (format binary)") { _ throws(EngineError) in
                next = try database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first
            }
            Issue.record("the COPY of a terminated session went through")
        } catch { #expect(error.retry == .backoff) }
        #expect(next?.ownerEpoch == lease.ownerEpoch + 1)
        #expect(next?.epoch == 0)
    }

    @Test func theWriterLeavesItsBackendWhereATakeoverFindsIt() throws {
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let writer = database.writer()
        _ = try writer.commit(Epochs.write([Epochs.advance(lease, 1)]))
        let known = """
            select count(*) from egiz.task join pg_stat_activity activity
                on activity.pid = backend_pid and activity.backend_start = task.backend_start
            where application_name like 'egiz-commit-%' and datname = current_database()
            """
        #expect(try database.connection.query(known).first?.int64(0) == 1)
        writer.close()
        let other = database.writer()
        _ = try other.commit(Epochs.write([Epochs.advance(lease, 2)]))
        #expect(try database.connection.query(known).first?.int64(0) == 1)
    }

    /// A takeover forgets which backend commits; the next owner may be the same worker with the same connection. And a connection that was
    /// lost is followed by another.
    @Test func theWriterLeavesItsBackendAnewAfterATakeoverAndWithAnotherConnection() throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let writer = database.writer()
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, 1)])).isCommitted)
        let again = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(try database.count("task where backend_pid is not null") == 0)
        #expect(try writer.commit(Epochs.write([Epochs.advance(again, 2)])).isCommitted)
        #expect(try database.count("task where backend_pid in (\(Self.committers))") == 1)

        _ = try database.connection.query("select pg_terminate_backend(pid, 5000) from (\(Self.committers)) gone")
        let third = Epochs.write([Epochs.advance(again, 3)])
        // Whether the loss is noticed before it is written or by it.
        _ = try? writer.commit(third)
        #expect(try writer.commit(third).isCommitted)
        #expect(try database.count("task where backend_pid in (\(Self.committers))") == 1)
    }

    private static let committers =
        "select pid from pg_stat_activity where datname = current_database() and application_name like 'egiz-commit-%'"

    @Test func aRecycledProcessIDIsNotShot() throws {
        _ = try database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        let innocent = try PostgresConnection(url: database.url, applicationName: "innocent")
        _ = try database.connection.query(
            "update egiz.task set backend_pid = $1, backend_start = '2020-01-01'", [.int64(Int64(innocent.backendPID))])
        try innocent.execute("begin; update egiz.task set epoch = epoch")
        let error = #expect(throws: EngineError.self) {
            try database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        }
        #expect(error?.retry == .backoff)
        #expect(error?.message.contains("\(innocent.backendPID)") == true)
        try innocent.execute("commit")
    }
}

extension CommitOutcome {
    var isCommitted: Bool { if case .committed = self { true } else { false } }
    var fenced: [TaskID]? { if case .fenced(let tasks) = self { tasks } else { nil } }
    var foreign: [String]? { if case .foreign(let things) = self { things.map(\.text) } else { nil } }
}
