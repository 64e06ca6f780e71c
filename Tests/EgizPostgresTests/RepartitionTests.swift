import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Testing

/// Rule 13: a thing has one place, also after its topic has grown.
@Suite struct RepartitionTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    private func setUp(things: Int, partitions: Int32) throws -> PostgresTaskStore {
        let store = database.store()
        let writer = database.writer()
        let tasks = (0..<partitions).map { Epochs.task($0) }
        let leases = try store.acquire(tasks, partitions: partitions, topologyVersion: 1)
        var twins: [TwinRow] = []
        for number in 0..<things {
            let id = "ns:thing-\(number)"
            twins.append(
                try Epochs.twin(id, home: Epochs.task(Murmur2.partition(ofKey: id, partitions: partitions))))
        }
        twins.sort { $0.snapshot.thing < $1.snapshot.thing }
        let outcome = try writer.commit(Epochs.write(leases.map { Epochs.advance($0, 1) }, [], twins))
        guard case .committed = outcome else { throw EngineError(.bug, .stop, "\(outcome)") }
        try store.release(leases)
        writer.close()
        return store
    }

    @Test func everyThingMovesToThePartitionThatProducersWillUse() throws {
        let store = try setUp(things: 200, partitions: 2)
        store.close()
        let starts = Dictionary(
            uniqueKeysWithValues: (0..<Int32(6)).map { (TopicPartition("twins", $0), NextOffset(stored: 3)) })
        let report = try StageRepartition(database.connection).run(Epochs.stage, partitions: 6, starts: starts)
        #expect(report.things == 200)
        let rows = try database.connection.query("select thing_id, partition from egiz.twin")
        var homes: Set<Int64> = []
        for row in rows {
            let id = try #require(row.text(0))
            let home = try #require(row.int64(1))
            #expect(home == Int64(Murmur2.partition(ofKey: id, partitions: 6)), "\(id)")
            homes.insert(home)
        }
        #expect(homes.count == 6)
        #expect(report.moved > 50)
        // The old partitions keep their positions, the new ones begin at their first record.
        let leases = try database.store("worker-b").acquire(
            (0..<Int32(6)).map { Epochs.task($0) }, partitions: 6, topologyVersion: 1)
        #expect(leases.map { $0.positions["twins"]?.next.raw } == [10, 10, 3, 3, 3, 3])
    }

    @Test func aRunningWorkerKeepsItsStageFromBeingRepartitioned() throws {
        let store = try setUp(things: 3, partitions: 2)
        _ = try store.acquire([Epochs.task(0)], partitions: 2, topologyVersion: 1)
        let error = #expect(throws: EngineError.self) {
            try StageRepartition(database.connection).run(Epochs.stage, partitions: 4, starts: [:])
        }
        #expect(error?.message.contains("stop all workers") == true)
        #expect(try database.count("twin where partition > 1") == 0)
        store.close()
    }

    @Test func aTopicThatShrankIsRefused() throws {
        let store = try setUp(things: 3, partitions: 4)
        store.close()
        let error = #expect(throws: EngineError.self) {
            try StageRepartition(database.connection).run(Epochs.stage, partitions: 2, starts: [:])
        }
        #expect(error?.message.contains("cannot shrink") == true)
    }

    @Test func statesTimersAndWindowsGoWithTheirTwin() throws {
        let store = try setUp(things: 50, partitions: 2)
        store.close()
        try database.connection.execute(
            """
            insert into egiz.state select stage, 'p', thing_id, partition, '' from egiz.twin;
            insert into egiz.timer select stage, partition, now(), 'p', thing_id from egiz.twin;
            insert into egiz.rollup select stage, partition, 'p', thing_id, '/x', now(), now(), 1, 1, 1, 1, 1, 1, now(), now(), true
            from egiz.twin
            """)
        _ = try StageRepartition(database.connection).run(Epochs.stage, partitions: 6, starts: [:])
        for table in ["state", "timer", "rollup"] {
            #expect(
                try database.count("\(table) item join egiz.twin using (stage, thing_id, partition)") == 50, "\(table)")
        }
    }

    /// The stage that reads answers has no twins of its own.
    @Test func whatModelsSaidMovesWithTheKeyOfItsAnswers() throws {
        let store = try setUp(things: 0, partitions: 2)
        store.close()
        try database.connection.execute(
            """
            insert into egiz.ml_prediction (
                stage, partition, thing_id, task, model, shadow, revision, event_time, output_topic, output_partition,
                output_offset, latency_ms)
            select 'line.events', 0, 'ns:thing-' || n, 't', 'm', shadow, 1, now(), 'out', 0, n, 1
            from generate_series(1, 40) n, (values (false), (true)) as forms (shadow)
            """)
        let report = try StageRepartition(database.connection).run(Epochs.stage, partitions: 6, starts: [:])
        let rows = try database.connection.query("select thing_id, partition from egiz.ml_prediction")
        #expect(rows.count == 80)
        for row in rows {
            let id = try #require(row.text(0))
            #expect(row.int64(1) == Int64(Murmur2.partition(ofKey: id, partitions: 6)), "\(id)")
        }
        let stayed = try database.count("ml_prediction where partition = 0")
        #expect(report.predictions == 80 - Int(stayed) && stayed < 40)
    }

    @Test func parkedRecordsAndUnpublishedOutputHoldTheRepartition() throws {
        let store = try setUp(things: 1, partitions: 2)
        store.close()
        let work = StageRepartition(database.connection)
        try database.connection.execute(
            "insert into egiz.outbox select 'line.events', 0, 1, 1, 0, 0, ''")
        #expect(
            #expect(throws: EngineError.self) { try work.run(Epochs.stage, partitions: 6, starts: [:]) }?.message
                .contains("1 outboxes") == true)
        try database.connection.execute(
            """
            delete from egiz.outbox;
            insert into egiz.dead_letter (
                stage, topic, partition, incarnation, "offset", record_time, code, message, thing_id, disposition)
            values ('line.events', 'twins', 0, 1, 1, now(), 'x', 'x', 'ns:thing-0', 'parked')
            """)
        #expect(
            #expect(throws: EngineError.self) { try work.run(Epochs.stage, partitions: 6, starts: [:]) }?.message
                .contains("1 parked") == true)
    }
}
