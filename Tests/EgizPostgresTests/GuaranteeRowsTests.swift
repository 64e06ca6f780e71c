import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// What an epoch writes beside twins and history, and how the next owner reads it.
@Suite struct GuaranteeRowsTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter
    let stage = Epochs.stage

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        try store.name("line.events.w1.0", of: [lease])
        writer = database.writer()
    }

    private func commit(_ n: Int64, as lease: TaskLease? = nil, _ fill: (EpochWrite) throws -> Void) throws
        -> CommitOutcome
    {
        let epoch = Epochs.write([Epochs.advance(lease ?? self.lease, n)])
        try fill(epoch)
        return try writer.commit(epoch)
    }

    private func thing(_ id: String) throws -> ThingID { try ThingID(validating: id) }

    private func state(_ id: String, _ bytes: [UInt8]?, processor: String = "rollup", partition: Int32 = 0) throws
        -> StateRow
    {
        StateRow(
            home: Epochs.task(partition), processor: processor, thing: try thing(id), version: 3, bytes: bytes)
    }

    private func restore(_ ids: [String], _ processors: [String] = ["rollup"]) throws -> [StateRow] {
        try store.restore(ids.map(thing), of: stage, states: processors).states
            .sorted { ($0.processor, $0.thing.text) < ($1.processor, $1.thing.text) }
    }

    // MARK: States

    @Test func statesComeBackWithTheirTwinsInOneRoundTrip() throws {
        let long = [UInt8](repeating: 7, count: 3000)
        let rows = [
            try state("a:b", [1, 2]), try state("a:c", long), try state("a:d", []),
            try state("a:b", [9], processor: "windows"),
        ]
        #expect(
            try commit(1) { epoch in
                epoch.twins = [try Epochs.twin("a:b"), try Epochs.twin("a:c", document: nil)]
                epoch.states = rows
            }.isCommitted)
        // The first time prepares.
        _ = try restore(["a:b"])
        let (connection, _) = try store.session.connection()
        let before = connection.roundTrips
        let restored = try store.restore(
            ["a:b", "a:c", "a:d", "a:e"].map(thing), of: stage, states: ["rollup", "windows"])
        #expect(connection.roundTrips == before + 1)
        #expect(Set(restored.states) == Set(rows))
        #expect(restored.states.allSatisfy { $0.home == Epochs.task() })
        #expect(restored.twins.map(\.snapshot.thing.text).sorted() == ["a:b", "a:c"])
        #expect(try restore(["a:b"], []).isEmpty)
        #expect(try database.count("state where octet_length(value) < 60") == 4)
    }

    @Test func aLaterEpochReplacesAndDeletesStates() throws {
        _ = try commit(1) { $0.states = [try state("a:b", [1]), try state("a:c", [2])] }
        _ = try commit(2) { $0.states = [try state("a:b", [3]), try state("a:c", nil), try state("a:never", nil)] }
        #expect(try restore(["a:b", "a:c"]).map(\.bytes) == [[3]])
        #expect(try database.count("state") == 1)
    }

    @Test func statesOfOtherStagesAndProcessorsAreNotRestored() throws {
        _ = try commit(1) { $0.states = [try state("a:b", [1]), try state("a:b", [2], processor: "other")] }
        let other = StageName(topology: "line", source: "else")
        #expect(try store.restore([thing("a:b")], of: other, states: ["rollup"]).states.isEmpty)
        #expect(try restore(["a:b"]).map(\.bytes) == [[1]])
    }

    @Test func aBrokenSnapshotStopsWithItsKey() throws {
        _ = try commit(1) { $0.states = [try state("a:b", [1, 2, 3])] }
        try database.connection.execute("update egiz.state set value = set_byte(value, 12, 99)")
        let error = #expect(throws: EngineError.self) { try restore(["a:b"]) }
        #expect(error?.code == .state && error?.retry == .stop)
        for word in ["a:b", "rollup", "line.events"] { #expect(error?.message.contains(word) == true) }
    }

    @Test func aStateThatLiesElsewhereStopsTheEpoch() throws {
        _ = try commit(1) { $0.states = [try state("a:b", [1])] }
        try database.connection.execute("update egiz.state set partition = 1")
        let error = #expect(throws: EngineError.self) { try commit(2) { $0.states = [try state("a:b", [2])] } }
        #expect(error?.code == .state && error?.retry == .stop)
        #expect(error?.message.contains("a:b") == true)
        #expect(try database.count("task where epoch = 1") == 1)
    }

    @Test func aZombieWritesNoneOfIt() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["x"])] }
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 2, topologyVersion: 1)
        let outcome = try commit(2) { epoch in
            epoch.states = [try state("a:b", [1])]
            epoch.timers = [TimerChange(task: Epochs.task(), set: [try timer(1, "a:b")], removed: [])]
            epoch.rollups = [try rollup("a:b", 0)]
            epoch.outboxes = [outbox(2, ["y"])]
            epoch.acknowledged = [.init(task: Epochs.task(), epoch: 1)]
        }
        #expect(outcome.fenced == [Epochs.task()])
        for table in ["state", "timer", "rollup", "outbox where epoch = 2"] { #expect(try database.count(table) == 0) }
        #expect(try database.count("outbox") == 1)
    }

    @Test func anEpochWithoutThemCostsNoStatement() throws {
        _ = try commit(1) { $0.twins = [try Epochs.twin("a:b")] }
        let (connection, _) = try writer.session.connection()
        let before = connection.roundTrips
        _ = try commit(2) { $0.twins = [try Epochs.twin("a:b")] }
        // begin, fence, offsets, twins; the commit itself is not counted.
        #expect(connection.roundTrips == before + 4)
    }

    @Test func thousandsOfStatesAreWrittenInStretches() throws {
        let rows = try (0..<4500).map { try state("a:t\(10_000 + $0)", [UInt8(truncatingIfNeeded: $0), 1]) }
        #expect(try commit(1) { $0.states = rows }.isCommitted)
        #expect(try restore(rows.map(\.thing.text)) == rows)
    }

    // MARK: Timers

    private func timer(_ seconds: Int64, _ id: String, _ processor: String = "rollup") throws -> TaskTimer {
        TaskTimer(
            due: EventTime(microseconds: Epochs.start + seconds * Epochs.second), processor: processor,
            thing: try thing(id))
    }

    @Test func timersComeBackInTheOrderInWhichTheyFire() throws {
        let all = [
            try timer(-5, "a:z"), try timer(1, "a:b", "A"), try timer(1, "a:B", "b"), try timer(1, "a:b", "b"),
            try timer(2, "a:a"),
        ]
        #expect(all == all.sorted())
        _ = try commit(1) { $0.timers = [TimerChange(task: Epochs.task(), set: all, removed: [])] }
        #expect(try store.timers(of: Epochs.task(), after: nil, limit: 10) == all)
        #expect(try store.timers(of: Epochs.task(), after: nil, limit: 2) == Array(all[..<2]))
        for index in all.indices {
            #expect(try store.timers(of: Epochs.task(), after: all[index], limit: 10) == Array(all[(index + 1)...]))
        }
        #expect(try store.timers(of: Epochs.task(1), after: nil, limit: 10).isEmpty)
    }

    @Test func timersAreRemovedAndSettingOneTwiceChangesNothing() throws {
        let (a, b, c) = (try timer(1, "a:a"), try timer(2, "a:b"), try timer(3, "a:c"))
        _ = try commit(1) { $0.timers = [TimerChange(task: Epochs.task(), set: [a, b], removed: [])] }
        _ = try commit(2) { $0.timers = [TimerChange(task: Epochs.task(), set: [b, c], removed: [a])] }
        #expect(try store.timers(of: Epochs.task(), after: nil, limit: 10) == [b, c])
    }

    // MARK: Rollups

    private func rollup(_ id: String, _ minute: Int64, _ numbers: [Double] = [1, 4], isFinal: Bool = false) throws
        -> RollupRow
    {
        var aggregate = RollupAggregate()
        let start = Epochs.start + minute * 60 * Epochs.second
        for (place, number) in numbers.enumerated() {
            aggregate.add(number, at: EventTime(microseconds: start + Int64(place)))
        }
        return RollupRow(
            home: Epochs.task(), processor: "minutes", thing: try thing(id), path: "/features/x",
            start: EventTime(microseconds: start),
            end: EventTime(microseconds: start + 60 * Epochs.second), aggregate: aggregate, isFinal: isFinal)
    }

    @Test func windowsAreReplacedAsTheyGrow() throws {
        _ = try commit(1) { $0.rollups = [try rollup("a:b", 0, [3]), try rollup("a:b", 1, [8])] }
        _ = try commit(2) { $0.rollups = [try rollup("a:b", 0, [3, -1, 7], isFinal: true)] }
        let rows = try database.connection.query(
            """
            select topology, source, processor, thing_id, path, bucket_start, bucket_end, n, minimum, maximum, total, average,
                first, last, first_time, last_time, final from egiz.rollups order by bucket_start
            """)
        #expect(rows.count == 2)
        let row = try #require(rows.first)
        #expect((0..<5).map { row.text($0) } == ["line", "events", "minutes", "a:b", "/features/x"])
        #expect(row.timestamp(5) == Epochs.start && row.timestamp(6) == Epochs.start + 60 * Epochs.second)
        #expect(row.int64(7) == 3)
        #expect((8..<14).map { row.double($0) } == [-1, 7, 9, 3, 3, 7])
        #expect(row.timestamp(14) == Epochs.start && row.timestamp(15) == Epochs.start + 2)
        #expect(rows.map { $0.bool(16) } == [true, false])
    }

    // MARK: Outboxes

    private func outbox(_ epoch: Int64, _ values: [String]) -> Outbox {
        Outbox(
            task: Epochs.task(), epoch: epoch,
            records: values.enumerated().map { place, value in
                OutputRecord(
                    topic: "alerts", key: Array("a:b".utf8), value: Array(value.utf8),
                    headers: [.init(name: "h", value: [0, 255])], id: "line/events/twins/0@1/\(epoch)/\(place)",
                    time: Epochs.start)
            })
    }

    @Test func theNextOwnerFindsWhatWasNotPublished() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["a", "b"])] }
        _ = try commit(2) { $0.outboxes = [outbox(2, ["c"])] }
        let next = try #require(
            database.store("worker-b").acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(next.hasPendingOutboxes)
        #expect(next.previousTransactionalID == "line.events.w1.0")
        #expect(next.incarnation == 1)
        let found = try store.outboxes(of: next)
        #expect(found.map(\.epoch) == [1, 2])
        #expect(found.map(\.records) == [outbox(1, ["a", "b"]).records, outbox(2, ["c"]).records])
        let rows = try database.connection.query("select incarnation, records, bytes from egiz.outbox order by epoch")
        #expect(rows.map { $0.int64(0) } == [1, 1] && rows.map { $0.int64(1) } == [2, 1])
        #expect(rows[1].int64(2) == Int64(outbox(2, ["c"]).records[0].size))
    }

    /// Where another worker has taken the task over and committed since, its outboxes lie there too: they are its own to publish.
    @Test func theOutboxesOfALaterOwnerAreNotRead() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["a"])] }
        #expect(try store.outboxes(of: lease).map(\.epoch) == [1])
        let other = database.store("worker-b")
        let next = try #require(other.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        let later = Epochs.write([Epochs.advance(next, 2)])
        later.outboxes = [outbox(2, ["b"])]
        #expect(try database.writer("worker-b").commit(later).isCommitted)
        let error = #expect(throws: EngineError.self) { try store.outboxes(of: lease) }
        #expect(error?.code == .ownership && error?.retry == .backoff)
        #expect(try other.outboxes(of: next).map(\.epoch) == [1, 2])
        // None is not the same as no longer ours.
        try other.delete([.init(task: Epochs.task(), epoch: 2)], of: [next])
        #expect(try other.outboxes(of: next).isEmpty)
    }

    /// Rule 10: a takeover that fails half way, or a worker that dies in it, must not make the next forget whom to fence.
    @Test func whoHasToBeFencedIsKnownUntilTheNextOwnerHasAName() throws {
        let other = database.store("worker-b")
        _ = try other.acquire([Epochs.task()], partitions: 2, topologyVersion: 1)
        let again = try #require(other.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(again.previousTransactionalID == "line.events.w1.0")
        try other.name("line.events.w2.0", of: [again])
        let third = try #require(
            database.store("worker-c").acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(third.previousTransactionalID == "line.events.w2.0")
        let error = #expect(throws: EngineError.self) { try other.name("line.events.w2.1", of: [again]) }
        #expect(error?.code == .ownership && error?.retry == .backoff)
        #expect(try database.count("task where transactional_id = 'line.events.w2.0'") == 1)
    }

    @Test func whoReleasedCleanlyNeedsNoFencing() throws {
        #expect(lease.previousTransactionalID == nil && !lease.hasPendingOutboxes)
        #expect(try database.count("task where transactional_id is not null") == 1)
        try store.release([lease])
        #expect(try database.count("task where transactional_id is not null") == 0)
        let next = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(next.previousTransactionalID == nil && next.previousOwner == nil)
    }

    @Test func acknowledgedOutboxesGoWithALaterEpoch() throws {
        for n in 1...3 { _ = try commit(Int64(n)) { $0.outboxes = [outbox(Int64(n), ["x"])] } }
        _ = try commit(4) { $0.acknowledged = [.init(task: Epochs.task(), epoch: 2)] }
        #expect(try store.outboxes(of: lease).map(\.epoch) == [3])
    }

    @Test func onlyTheOwnerDeletesOutboxesOutsideAnEpoch() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["x"])] }
        let other = database.store("worker-b")
        let next = try #require(other.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        let acknowledged = Outbox.Acknowledgement(task: Epochs.task(), epoch: 1)
        try store.delete([acknowledged], of: [lease])
        #expect(try database.count("outbox") == 1)
        #expect(try store.lost(of: [lease]) == [Epochs.task()])
        #expect(try other.lost(of: [next]).isEmpty)
        try other.delete([acknowledged], of: [next])
        #expect(try database.count("outbox") == 0)
    }

    @Test func refusedRecordsAreSetAsideAndTheOthersStay() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["a", "b", "c"])] }
        let stored = outbox(1, ["a", "b", "c"])
        let reason = EngineError(.kafka, .never, "larger than the topic takes", detail: "MSG_SIZE_TOO_LARGE")
        try store.refuse([1: reason], of: stored, lease: lease)
        // The answer to the commit was lost: done again with the same outbox, it must not take the next record.
        try store.refuse([1: reason], of: stored, lease: lease)
        #expect(try store.outboxes(of: lease).first?.records == [stored.records[0], stored.records[2]])
        let dead = try database.connection.query(
            "select egiz_id, topic, key, value, headers::text, code, message, epoch from egiz.dead_output")
        #expect(dead.count == 1)
        let row = try #require(dead.first)
        #expect(row.text(0) == stored.records[1].id && row.text(1) == "alerts" && row.bytes(3) == Array("b".utf8))
        #expect(row.text(4) == #"[["h","AP8="]]"# && row.text(5) == "MSG_SIZE_TOO_LARGE" && row.int64(7) == 1)
        try store.refuse([0: reason, 2: reason], of: stored, lease: lease)
        #expect(try database.count("outbox") == 0)
        #expect(try database.count("dead_output") == 3)
    }

    @Test func refusingIsFenced() throws {
        _ = try commit(1) { $0.outboxes = [outbox(1, ["a"])] }
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 2, topologyVersion: 1)
        let error = #expect(throws: EngineError.self) {
            try store.refuse([0: EngineError(.kafka, .never, "no")], of: outbox(1, ["a"]), lease: lease)
        }
        #expect(error?.code == .ownership && error?.retry == .backoff)
        #expect(try database.count("dead_output") == 0)
        #expect(try database.count("outbox") == 1)
    }

    @Test func aMoveToAnotherLogSaysItsIncarnation() throws {
        let log = LogIdentity(clusterID: "c", embeddedLog: "1")
        try store.reposition(lease, to: ["twins": NextOffset(stored: 0)], log: log, gaps: [])
        let again = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(again.incarnation == 1)
        let move = TaskMove(
            lease: again, positions: ["twins": NextOffset(stored: 0)],
            log: LogIdentity(clusterID: "c", embeddedLog: "2"), gaps: [])
        #expect(move.incarnation == 2)
        // Twice, as after a lost answer.
        try store.reposition([move])
        try store.reposition([move])
        let after = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        #expect(after.incarnation == move.incarnation)
    }
}
