import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Testing

@Suite struct OwnershipTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    @Test func aReleasedTaskHasNoPreviousOwner() throws {
        let store = database.store()
        let leases = try store.acquire([Epochs.task(1), Epochs.task(0)], partitions: 2, topologyVersion: 1)
        #expect(leases.map(\.task.partition) == [0, 1])
        #expect(try store.release([leases[0]]).isEmpty)
        let next = try database.store("worker-b").acquire(
            [Epochs.task(0), Epochs.task(1)], partitions: 2, topologyVersion: 1)
        #expect(next[0].previousOwner == nil)
        #expect(next[1].previousOwner == "worker-a (host, process 7)")
        #expect(next.map(\.ownerEpoch) == [2, 2])
    }

    @Test func aLostTaskIsNotReleasedByItsFormerOwner() throws {
        let former = database.store()
        let lease = try #require(former.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        #expect(try former.release([lease]) == [Epochs.task()])
        #expect(try database.count("task where worker_id = 'worker-b'") == 1)
    }

    @Test func anotherPartitionCountIsRefused() throws {
        let store = database.store()
        _ = try store.acquire([Epochs.task()], partitions: 4, topologyVersion: 1)
        let error = #expect(throws: EngineError.self) {
            try store.acquire([Epochs.task()], partitions: 8, topologyVersion: 1)
        }
        #expect(error?.code == .topology)
        #expect(error?.retry == .stop)
        #expect(error?.message.contains("4 partitions") == true)
        #expect(try database.count("task where owner_epoch = 1") == 1)
    }

    @Test func anOlderTopologyVersionDoesNotTakeATaskOver() throws {
        let store = database.store()
        _ = try store.acquire([Epochs.task()], partitions: 1, topologyVersion: 5)
        let error = #expect(throws: EngineError.self) {
            try store.acquire([Epochs.task()], partitions: 1, topologyVersion: 4)
        }
        #expect(error?.retry == .stop)
        #expect(try store.acquire([Epochs.task()], partitions: 1, topologyVersion: 6).first?.ownerEpoch == 2)
    }

    @Test func aGapIsWrittenDownWithTheNewPosition() throws {
        let store = database.store()
        let log = LogIdentity(clusterID: "c", embeddedLog: nil)
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        try store.reposition(
            lease, to: ["twins": NextOffset(stored: 0), "more": NextOffset(stored: 0)], log: log, gaps: [])
        let writer = database.writer()
        var advance = Epochs.advance(lease, 1, next: 10)
        advance.offsets += Epochs.advance(lease, 1, next: 20, topic: "more").offsets
        #expect(try writer.commit(Epochs.write([advance])).isCommitted)
        let again = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let gap = LogGap(
            topic: "twins", partition: 0, from: NextOffset(stored: 10), to: NextOffset(stored: 15), reason: .retention)
        try store.reposition(
            again, to: ["twins": NextOffset(stored: 15), "more": NextOffset(stored: 20)], log: log, gaps: [gap])
        let after = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(after.positions["twins"]?.next.raw == 15)
        #expect(after.positions["twins"]?.mark == nil)
        #expect(after.positions["more"]?.next.raw == 20)
        #expect(after.positions["more"]?.mark?.offset == 19)
        #expect(after.epoch == 1 && after.log == log)
        #expect(try database.count("log_gap where reason = 'retention' and from_offset = 10 and to_offset = 15") == 1)
        #expect(try database.count("task where incarnation = 1") == 1)
    }

    @Test func anotherLogPutsAllPositionsAside() throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        try store.reposition(
            lease, to: ["old": NextOffset(stored: 5)], log: LogIdentity(clusterID: "c", embeddedLog: "1"), gaps: [])
        let again = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        try store.reposition(
            again, to: ["twins": NextOffset(stored: 0)], log: LogIdentity(clusterID: "c", embeddedLog: "2"), gaps: [])
        let after = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(after.positions.keys.sorted() == ["twins"])
        #expect(after.log?.embeddedLog == "2")
    }

    @Test func positionsAreNotSetByWhoHasLostTheTask() throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        let error = #expect(throws: EngineError.self) {
            try store.reposition(
                lease, to: ["twins": NextOffset(stored: 5)], log: LogIdentity(clusterID: "c", embeddedLog: nil),
                gaps: [])
        }
        #expect(error?.code == .ownership)
        #expect(try database.count("task_offset") == 0)
    }

    @Test func theStoreConnectsAgainAfterItsSessionWasEnded() throws {
        let store = database.store()
        _ = try store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1)
        _ = try database.connection.query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and application_name like 'egiz-stream-%'"
        )
        #expect(try store.loadTwins([ThingID(validating: "a:b")]).isEmpty)
    }
}
