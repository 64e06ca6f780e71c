import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// `egiz thing erase`: nothing of a thing stays, and nobody brings it back from memory.
@Suite struct ThingErasureTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter
    let gone: ThingID
    let stays: ThingID

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        writer = database.writer()
        gone = try ThingID(validating: "a:gone")
        stays = try ThingID(validating: "a:stays")
    }

    private func output(_ thing: ThingID, _ n: Int) -> OutputRecord {
        OutputRecord(topic: "t", key: Array(thing.text.utf8), value: [1], headers: [], id: "i\(n)", time: 1)
    }

    private func epoch(_ n: Int64, _ things: [ThingID]) throws -> EpochWrite {
        let epoch = Epochs.write([Epochs.advance(lease, n)])
        for thing in things {
            epoch.columns.append(Epochs.numbers(SeriesKey(thing: thing, path: "/x"), [(Epochs.start + n, 1)]))
            epoch.twins.append(try Epochs.twin(thing.text))
            epoch.states.append(
                StateRow(home: Epochs.task(), processor: "rollup", thing: thing, version: 1, bytes: [1]))
            var aggregate = RollupAggregate()
            aggregate.add(1, at: EventTime(microseconds: Epochs.start))
            epoch.rollups.append(
                RollupRow(
                    home: Epochs.task(), processor: "rollup", thing: thing, path: "/x",
                    start: EventTime(microseconds: Epochs.start), end: EventTime(microseconds: Epochs.start + 60),
                    aggregate: aggregate, isFinal: false))
            var letter = Epochs.letter(offset: n * 10 + Int64(epoch.deadLetters.count))
            letter.thing = thing
            letter.disposition = .parked
            epoch.deadLetters.append(letter)
        }
        epoch.timers = [
            TimerChange(
                task: Epochs.task(),
                set: things.map {
                    TaskTimer(due: EventTime(microseconds: Epochs.start), processor: "rollup", thing: $0)
                },
                removed: [])
        ]
        epoch.outboxes = [
            Outbox(task: Epochs.task(), epoch: n, records: things.enumerated().map { output($1, Int(n) * 10 + $0) })
        ]
        return epoch
    }

    private func tables() throws -> [Int64] {
        try ["twin", "series", "history_segment", "state", "timer", "rollup", "dead_letter", "dead_output"].map {
            try database.count($0)
        }
    }

    @Test func nothingOfItStaysAndEverythingOfOthersDoes() throws {
        #expect(try writer.commit(epoch(1, [gone, stays])).isCommitted)
        #expect(try writer.commit(epoch(2, [gone])).isCommitted)
        try store.refuse(
            [0: EngineError(.kafka, .never, "large")],
            of: Outbox(task: Epochs.task(), epoch: 1, records: [output(gone, 10), output(stays, 11)]), lease: lease)
        // A record that could not be decoded has no thing, but a key.
        var undecoded = Epochs.letter(offset: 99)
        undecoded.key = Array(gone.text.utf8)
        let third = Epochs.write([Epochs.advance(lease, 3)], [], [], [undecoded])
        #expect(try writer.commit(third).isCommitted)

        let report = try ThingErasure(database.connection).erase(gone, by: "officer")
        #expect(report["twin"] == 1 && report["series"] == 1 && report["history_segment"] == 2)
        #expect(report["state"] == 1 && report["timer"] == 1 && report["rollup"] == 1)
        #expect(report["dead_letter"] == 3 && report["dead_output"] == 1 && report["outbox"] == 1)
        #expect(try tables() == [1, 1, 1, 1, 1, 1, 1, 0])
        #expect(try OutboxRows.read(of: Epochs.task(), database.connection).map(\.records) == [[output(stays, 11)]])
        let noted = try database.connection.query("select thing_sha256, erased_by, counts::text from egiz.erasure")
        #expect(noted.count == 1 && noted.first?.text(0) == report.sha256 && noted.first?.text(1) == "officer")
        // sha256sum of "a:gone".
        let sum = try database.connection.query("select encode(sha256('a:gone'::bytea), 'hex')")
        #expect(sum.first?.text(0) == report.sha256)
        #expect(noted.first?.text(2)?.contains("gone") == false)
    }

    /// The owner remembers the thing and writes on: it must lose that, and may go on with a new tenure.
    @Test func theOwnerCannotBringItBack() throws {
        #expect(try writer.commit(epoch(1, [gone])).isCommitted)
        _ = try ThingErasure(database.connection).erase(gone, by: nil)
        #expect(try writer.commit(epoch(2, [gone])).fenced == [Epochs.task()])
        // Not even the name of a series, which is made before the epoch.
        #expect(try tables() == [0, 0, 0, 0, 0, 0, 0, 0])
        // Not the next fence of the old one, with which the owner would keep its cache.
        let next = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        #expect(next.ownerEpoch == lease.ownerEpoch + 2 && next.epoch == 1)
    }

    /// The names of its series are made before its first epoch. Erased in between, the epoch would write to series that are no more, and
    /// its owner would remember their ids.
    @Test func theFirstEpochOfAThingIsFencedWhereItIsErasedAfterItsSeriesWereMade() throws {
        let write = try epoch(1, [gone])
        let resolver = try PostgresConnection(url: database.url, applicationName: "resolver")
        #expect(try SeriesResolver.resolve(write.columns, of: write.tasks, resolver))
        #expect(write.columns.allSatisfy { $0.series.databaseID != nil })
        let report = try ThingErasure(database.connection).erase(gone, by: nil)
        #expect(report["series"] == 1)
        #expect(try writer.commit(write).fenced == [Epochs.task()])
        #expect(try tables() == [0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Who has nothing of the thing, and is not making it, must not lose its work for it.
    @Test func erasingAThingThatNobodyKnowsFencesNobody() throws {
        #expect(try writer.commit(epoch(1, [stays])).isCommitted)
        _ = try ThingErasure(database.connection).erase(gone, by: nil)
        #expect(try writer.commit(epoch(2, [stays])).isCommitted)
    }

    /// An epoch that holds the task's row finishes first; what it wrote is erased too.
    @Test func itWaitsForAnEpochThatIsBeingWritten() async throws {
        #expect(try writer.commit(epoch(1, [stays])).isCommitted)
        let open = try PostgresConnection(url: database.url, applicationName: "epoch")
        try open.execute(
            """
            begin; update egiz.task set epoch = 2;
            insert into egiz.twin (thing_id, stage, partition, revision, input_topic, input_partition, input_offset)
            values ('a:gone', 'line.events', 0, 1, 't', 0, 0)
            """)
        let pool = PostgresPool(url: database.url, applicationName: "erase", size: 1)
        defer { pool.close() }
        let gone = gone
        async let report = pool.run { try ThingErasure($0).erase(gone, by: nil) }
        var waits = false
        while !waits {
            let rows = try database.connection.query(
                "select from pg_stat_activity where application_name = 'erase' and wait_event_type = 'Lock'")
            waits = !rows.isEmpty
            await Task.yield()
        }
        try open.execute("commit")
        #expect(try await report["twin"] == 1)
        #expect(try database.count("twin where thing_id = 'a:gone'") == 0)
    }

    /// Epochs in a loop against erasures in a loop: at the end the last erasure holds, whatever came between.
    @Test func erasingBesideARunningWriterLeavesNothing() async throws {
        let pool = PostgresPool(url: database.url, applicationName: "erase", size: 1)
        defer { pool.close() }
        let gone = gone
        async let erasures = pool.run { connection -> Int in
            for _ in 0..<10 { _ = try ThingErasure(connection).erase(gone, by: nil) }
            return 10
        }
        var current = lease
        var n: Int64 = 1
        while try database.count("erasure") < 10 {
            let write = try epoch(n, [gone, stays])
            write.tasks = [Epochs.advance(current, n)]
            if try writer.commit(write).isCommitted {
                n += 1
            } else {
                current = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
                n = current.epoch + 1
            }
            await Task.yield()
        }
        #expect(try await erasures == 10)
        _ = try ThingErasure(database.connection).erase(gone, by: nil)
        #expect(try writer.commit(epoch(n, [gone, stays])).fenced == [Epochs.task()])
        for table in ["twin", "series", "state", "timer", "rollup", "dead_letter"] {
            #expect(try database.count("\(table) where thing_id = 'a:gone'") == 0)
        }
        #expect(try database.count("state where thing_id = 'a:stays'") == 1)
        #expect(
            try OutboxRows.read(of: Epochs.task(), database.connection).allSatisfy {
                $0.records.allSatisfy { $0.key != Array(gone.text.utf8) }
            })
    }
}
