import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@Suite struct EpochRowsTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 3).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, twins: [TwinRow] = [], letters: [DeadLetter] = [], as lease: TaskLease? = nil)
        throws
        -> CommitOutcome
    {
        try writer.commit(Epochs.write([Epochs.advance(lease ?? self.lease, n)], [], twins, letters))
    }

    // MARK: Twins

    @Test func aTwinIsRestoredByteForByte() throws {
        let document = "{ \"b\":1e2,\"a\":\"\\u0000\",\"n\":9223372036854775807,\"\":{\"\\ud800\":-0.0}, \"a\":null}"
        let rows = [
            try Epochs.twin("a:b", revision: 7, document: document, definition: "x:y:1.0.0"),
            try Epochs.twin("a:c", revision: 8, document: nil),
        ]
        #expect(try commit(1, twins: rows).isCommitted)
        let things = try ["a:b", "a:c", "a:unknown"].map { try ThingID(validating: $0) }
        let loaded = try store.loadTwins(things).sorted { $0.snapshot.thing < $1.snapshot.thing }
        #expect(loaded.count == 2)
        for (written, read) in zip(rows, loaded) {
            #expect(read.snapshot.thing == written.snapshot.thing)
            #expect(read.snapshot.revision == written.snapshot.revision)
            #expect(read.snapshot.timestamp == written.snapshot.timestamp)
            #expect(read.snapshot.document == written.snapshot.document)
            #expect(read.snapshot.definition == written.snapshot.definition)
            #expect(read.snapshot.created == written.snapshot.created)
            #expect(read.snapshot.modified == written.snapshot.modified)
            #expect(read.home == written.home)
            #expect(read.position == written.position)
        }
        #expect(try database.count("twin where namespace = 'a' and not deleted") == 1)
    }

    @Test func aLaterEpochReplacesTheTwin() throws {
        #expect(try commit(1, twins: [Epochs.twin("a:b", revision: 1)]).isCommitted)
        #expect(try commit(2, twins: [Epochs.twin("a:b", revision: 2, document: "{}")]).isCommitted)
        let row = try #require(store.loadTwins([ThingID(validating: "a:b")]).first)
        #expect(row.snapshot.revision == 2)
        #expect(row.snapshot.document == Array("{}".utf8))
    }

    @Test func anotherStagesThingIsReportedAndNothingWritten() throws {
        #expect(try commit(1, twins: [Epochs.twin("a:b")]).isCommitted)
        let stage = StageName(topology: "other", source: "events")
        let task = Epochs.task(0, stage)
        let other = try #require(store.acquire([task], partitions: 1, topologyVersion: 1).first)
        let outcome = try commit(
            1, twins: [Epochs.twin("a:a", home: task), Epochs.twin("a:b", revision: 5, home: task)], as: other)
        #expect(outcome.foreign == ["a:b"])
        #expect(try database.count("twin") == 1)
        #expect(try database.count("task where stage = 'other.events' and epoch = 0") == 1)
        let row = try #require(store.loadTwins([ThingID(validating: "a:b")]).first)
        #expect(row.home == Epochs.task() && row.snapshot.revision == 1)
    }

    @Test func moreTwinsThanOneStatementTakesAreAllWritten() throws {
        let twins = try (0..<4500).map { try Epochs.twin("a:t\($0)") }.sorted { $0.snapshot.thing < $1.snapshot.thing }
        #expect(try commit(1, twins: twins).isCommitted)
        #expect(try database.count("twin") == 4500)
    }

    /// Things of which the store knew nothing are written by COPY, in the order of all, and are the rows that the other way makes.
    @Test func newThingsBetweenOthersAreWrittenAsTheyWouldBeByTheOtherWay() throws {
        #expect(try commit(1, twins: [Epochs.twin("a:t1500", revision: 3)]).isCommitted)
        let stem = { (n: Int) in
            try Epochs.twin(
                "a:t\(n)", revision: Int64(n), document: n % 7 == 0 ? nil : #"{"n":\#(n)}"#,
                definition: n % 3 == 0 ? "org.acme:tank:1.0.0" : nil)
        }
        let twins = try (1000..<2000).map { n in
            var twin = try stem(n)
            if n % 5 == 0 {
                twin.snapshot.created = nil
                twin.snapshot.timestamp = nil
            }
            // Between others, too few to be copied, and one that stood there already.
            twin.isNew = n < 1400 || (1450..<1460).contains(n) || n > 1500
            return twin
        }
        #expect(try commit(2, twins: twins).isCommitted)
        #expect(try database.count("twin") == 1000)
        let rows = try database.connection.query(
            """
            select thing_id, stage, partition, revision, event_timestamp, definition, created, modified, input_topic,
                input_partition, input_offset, document::text, namespace, deleted, updated_at > now() - interval '1 hour'
            from egiz.twin order by thing_id
            """)
        for (row, twin) in zip(rows, twins) {
            let snapshot = twin.snapshot
            #expect(row.text(0) == snapshot.thing.text && row.text(1) == twin.home.stage.text && row.int64(2) == 0)
            #expect(row.int64(3) == snapshot.revision && row.text(4) == snapshot.timestamp)
            #expect(row.text(5) == snapshot.definition && row.timestamp(6) == snapshot.created?.microseconds)
            #expect(row.timestamp(7) == snapshot.modified?.microseconds && row.text(8) == twin.position.topic)
            #expect(row.int64(9) == 0 && row.int64(10) == twin.position.offset)
            #expect(row.text(11) == snapshot.document.map { String(decoding: $0, as: UTF8.self) })
            #expect(row.text(12) == "a" && row.bool(13) == (snapshot.document == nil) && row.bool(14) == true)
        }
        // By COPY all have one time.
        #expect(
            try database.count("twin where updated_at = (select updated_at from egiz.twin where thing_id = 'a:t1000')")
                == 400)
    }

    /// The store had nothing of a thing when it was asked, and another stage was faster.
    @Test func newThingsOfWhichOneBelongsToAnotherStageByNowAreReported() throws {
        #expect(try commit(1, twins: [Epochs.twin("a:t1500")]).isCommitted)
        let task = Epochs.task(0, StageName(topology: "other", source: "events"))
        let other = try #require(store.acquire([task], partitions: 1, topologyVersion: 1).first)
        let twins = try (1000..<2000).map { n in
            var twin = try Epochs.twin("a:t\(n)", home: task)
            twin.isNew = true
            return twin
        }
        #expect(try commit(1, twins: twins, as: other).foreign == ["a:t1500"])
        #expect(try database.count("twin") == 1)
        // A row of its own home is written over all the same: who wrote it is not known, the fence holds.
        let mine = try (1000..<2000).map { n in
            var twin = try Epochs.twin("a:t\(n)", revision: 5)
            twin.isNew = true
            return twin
        }
        #expect(try commit(2, twins: mine).isCommitted)
        #expect(try database.count("twin where revision = 5") == 1000)
    }

    // MARK: Dead letters

    @Test func aDeadLetterKeepsEveryByte() throws {
        var letter = Epochs.letter(offset: 3, message: "bad \u{0} byte")
        letter.thing = try ThingID(validating: "a:b")
        #expect(try commit(1, letters: [letter, Epochs.letter(offset: 4, value: nil)]).isCommitted)
        let rows = try database.connection.query(
            """
            select key, value, headers::text, code, message, thing_id, topic, partition, "offset", record_time
            from egiz.dead_letter order by "offset"
            """)
        let row = try #require(rows.first)
        #expect(row.bytes(0) == [0x6B, 0])
        #expect(row.bytes(1) == [0, 1, 255])
        #expect(row.text(2) == #"[["a\"\u0000","AJ8="],["b",null]]"#)
        #expect(row.text(3) == "json")
        #expect(row.text(4) == #"bad \u0000 byte"#)
        #expect(row.text(5) == "a:b")
        #expect(row.text(6) == "twins" && row.int64(7) == 0 && row.int64(8) == 3)
        #expect(row.timestamp(9) == Epochs.start)
        #expect(rows.last?.isNull(1) == true)
    }

    @Test func offsetsOfAnotherLogAreOtherDeadLetters() throws {
        let first = LogIdentity(clusterID: "c", embeddedLog: "1")
        try store.reposition(lease, to: [:], log: first, gaps: [])
        #expect(try commit(1, letters: [Epochs.letter(offset: 3)]).isCommitted)
        var lease = lease
        lease.log = first
        try store.reposition(
            lease, to: ["twins": NextOffset(stored: 0)], log: LogIdentity(clusterID: "c", embeddedLog: "2"), gaps: [])
        #expect(try commit(2, letters: [Epochs.letter(offset: 3)]).isCommitted)
        #expect(try database.count("dead_letter") == 2)
    }

    // MARK: Errors of the data

    @Test func dataThatPostgresRefusesIsADataErrorAndLeavesNothing() throws {
        let column = SeriesColumn(series: try Epochs.key("a:b", "/x"), kind: .text)
        column.append(time: Epochs.start, text: "a\u{0}b")
        let epoch = Epochs.write([Epochs.advance(lease, 1)], [column], [try Epochs.twin("a:b")])
        let error = #expect(throws: EngineError.self) { try writer.commit(epoch) }
        #expect(error?.retry == .never)
        #expect(error?.code == .postgres)
        #expect(error?.detail == "22021")
        #expect(try database.count("twin") == 0)
        #expect(try database.count("task where epoch > 0") == 0)
        #expect(try commit(1, twins: [Epochs.twin("a:b")]).isCommitted)
    }

    @Test func aDocumentThatIsNoJSONIsADataError() throws {
        let error = #expect(throws: EngineError.self) { try commit(1, twins: [Epochs.twin("a:b", document: "{")]) }
        #expect(error?.detail == "22P02")
        #expect(error?.retry == .never)
    }

    @Test func aDefinitionWithNULDoesNotStopTheEpoch() throws {
        #expect(try commit(1, twins: [Epochs.twin("a:b", definition: "x\u{0}y")]).isCommitted)
        #expect(try database.count("twin where definition = 'x\\u0000y'") == 1)
    }

    @Test func aVeryLongDefinitionDoesNotStopTheEpoch() throws {
        var random = SeededGenerator(seed: 1)
        // Random, so that it cannot be compressed into an index entry.
        let long = "https://" + (0..<500).map { _ in String(random.next(), radix: 36) }.joined()
        #expect(try commit(1, twins: [Epochs.twin("a:b", definition: long)]).isCommitted)
        #expect(try database.count("twin where octet_length(definition) = 1024") == 1)
    }

    @Test func timesThatPostgresCannotHoldStopNothing() throws {
        let store = database.store()
        let writer = database.writer()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 3).first)
        var twin = try Epochs.twin("ns:old")
        twin.snapshot.created = EventTime(microseconds: -377_000_000_000_000_000)
        twin.snapshot.modified = EventTime(microseconds: .max)
        var letter = Epochs.letter(offset: 3)
        letter.recordTime = EventTime(microseconds: -300_000_000_000_000_000)
        let outcome = try writer.commit(Epochs.write([Epochs.advance(lease, 1)], [], [twin], [letter]))
        guard case .committed = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let row = try database.connection.query("select created::text, modified::text from egiz.twin").first
        #expect(row?.text(0) == "-infinity" && row?.text(1)?.hasPrefix("294247-") == true)
    }

    @Test func theHistoryFunctionFindsASegmentAcrossTheSpringChangeInAnySessionTimeZone() throws {
        let store = database.store()
        let writer = database.writer()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 3).first)
        // 2026-03-28T11:30Z and 2026-03-29T11:00Z: 23.5 hours, across the night in which Berlin has a day of 23.
        let first: Int64 = 1_774_697_400_000_000
        let last = first + 84_600_000_000
        let column = Epochs.numbers(try Epochs.key("ns:a", "/x"), [(first, 1), (last, 2)])
        _ = try writer.commit(Epochs.write([Epochs.advance(lease, 1)], [column]))
        try database.connection.execute("set timezone = 'Europe/Berlin'")
        let rows = try database.connection.query(
            "select number from egiz.history('ns:a', '/x', $1, $2)",
            [.timestamp(microseconds: last - 600_000_000), .timestamp(microseconds: last + 1)])
        #expect(rows.map { $0.double(0) } == [2])
    }
}
