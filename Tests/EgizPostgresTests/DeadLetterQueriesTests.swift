import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// What people see of dead letters, and what they ask for (rules 17 and 18).
@Suite struct DeadLetterQueriesTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let leases: [TaskLease]
    let queries: DeadLetterQueries
    let requests: RedriveRequests

    /// Two tasks: letters 1 to 4 in partition 0, 5 in partition 1. `a:b` is parked with 1 and 3; 4 is a dead letter of it.
    init() throws {
        database = try TestDatabase()
        store = database.store()
        leases = try store.acquire([Epochs.task(), Epochs.task(1)], partitions: 2, topologyVersion: 1)
        queries = DeadLetterQueries(database.connection)
        requests = RedriveRequests(database.connection)
        let epoch = Epochs.write([Epochs.advance(leases[0], 1), Epochs.advance(leases[1], 1)])
        epoch.deadLetters = [
            try Self.letter(11, "a:b", .parked, "merge"), try Self.letter(12, nil, .dead, "json"),
            try Self.letter(13, "a:b", .parked, "queued"), try Self.letter(14, "a:b", .dead, "json"),
            try Self.letter(15, "a:c", .dead, "merge", partition: 1),
        ]
        epoch.deadLetters[1].retryAt = EventTime(microseconds: Epochs.start + 30 * Epochs.second)
        _ = try database.writer().commit(epoch)
    }

    private static func letter(
        _ offset: Int64, _ thing: String?, _ disposition: DeadLetter.Disposition, _ code: String, partition: Int32 = 0
    ) throws -> DeadLetter {
        var letter = Epochs.letter(offset: offset)
        letter.position = InputPosition(topic: "twins", partition: partition, offset: offset)
        letter.thing = try thing.map { try ThingID(validating: $0) }
        letter.disposition = disposition
        letter.attempts = code == "queued" ? 0 : 1
        letter.code = code
        return letter
    }

    private func offsets(_ filter: DeadLetterFilter) throws -> [Int64] {
        try queries.page(filter, limit: 10).letters.map(\.offset)
    }

    @Test func everyFilterRestricts() throws {
        #expect(try offsets(DeadLetterFilter()) == [15, 14, 13, 12, 11])
        #expect(try offsets(DeadLetterFilter(topology: "line", source: "events", code: "json")) == [14, 12])
        #expect(try offsets(DeadLetterFilter(topology: "other")) == [])
        #expect(try offsets(DeadLetterFilter(source: "other")) == [])
        #expect(try offsets(DeadLetterFilter(thing: ThingID(validating: "a:b"))) == [14, 13, 11])
        #expect(try offsets(DeadLetterFilter(thing: ThingID(validating: "a:b"), disposition: .parked)) == [13, 11])
        #expect(try offsets(DeadLetterFilter(since: .latest)) == [])
        #expect(try queries.count(DeadLetterFilter(code: "json")) == 2)
    }

    @Test func aLetterSaysWhenItIsTriedAgainByItself() throws {
        let rows = try queries.page(DeadLetterFilter(code: "json"), limit: 10).letters
        #expect(rows.map(\.retryAt?.microseconds) == [nil, Epochs.start + 30 * Epochs.second])
        let id = try #require(ids([12]).first)
        let whole = try #require(try queries.letter(id))
        #expect(whole.row.retryAt?.microseconds == Epochs.start + 30 * Epochs.second)
        #expect(whole.key == [0x6B, 0] && whole.headers.count == 2)
    }

    @Test func pagesFollowEachOtherWithoutRepeats() throws {
        let first = try queries.page(DeadLetterFilter(), limit: 2)
        #expect(first.letters.map(\.offset) == [15, 14] && first.hasMore)
        let second = try queries.page(DeadLetterFilter(), before: first.letters.last?.id, limit: 3)
        #expect(second.letters.map(\.offset) == [13, 12, 11] && !second.hasMore)
        #expect(second.letters.map(\.isFirst) == [false, true, true])
    }

    /// Also where only the first letter has the code that is asked for, the queue counts whole.
    @Test func aParkedThingIsToldWithItsWholeQueueAndWhy() throws {
        for filter in [DeadLetterFilter(), DeadLetterFilter(code: "merge")] {
            let (things, found) = try queries.parkedThings(filter, limit: 10)
            #expect(found == 1)
            let thing = try #require(things.first)
            #expect(thing.thing == "a:b" && thing.waiting == 2 && thing.code == "merge" && thing.partition == 0)
            #expect(try queries.letter(thing.first)?.row.offset == 11)
        }
        #expect(try queries.parkedThings(DeadLetterFilter(code: "json"), limit: 10).things.isEmpty)
    }

    private func ids(_ offsets: [Int64]) throws -> [Int64] {
        let all = try queries.page(DeadLetterFilter(), limit: 10).letters
        return offsets.compactMap { offset in all.first { $0.offset == offset }?.id }
    }

    /// What the owner of each task gets for the plan, by offset.
    private func served(_ plan: RedrivePlan) throws -> [[Int64]] {
        let stored = try requests.store(plan, rate: nil, by: "me")
        defer { try? database.connection.execute("delete from egiz.redrive") }
        var served: [[Int64]] = []
        for id in stored {
            // The owner sees the oldest request of a task alone.
            try database.connection.execute("update egiz.redrive set state = 'done' where request_id < \(id)")
            for batch in try store.redrives(of: leases, limit: 10) where batch.request == id {
                served.append(batch.letters.map(\.letter.position.offset))
            }
        }
        return served
    }

    @Test func aSelectionBecomesRequestsThatTheOwnersServe() throws {
        let everything = try requests.plan(.all(topology: "line", code: nil), .retry)
        #expect(everything.count == 5)
        #expect(try served(everything) == [[11, 12, 13, 14], [15]])
        #expect(try served(requests.plan(.letters(ids([14, 11, 15])), .retry)) == [[11, 14], [15]])
        #expect(try served(requests.plan(.thing(ThingID(validating: "a:b")), .discard)) == [[14], [11, 13]])
        #expect(try requests.plan(.all(topology: "other", code: nil), .retry).parts.isEmpty)
        #expect(try requests.plan(.letters([4711]), .retry).missing == [4711])
    }

    /// Retried by code, a parked thing's queue comes along, or it would wait for ever; dropped by code, only what has the code goes.
    @Test func retryingByCodeTakesTheQueueAlongAndDiscardingDoesNot() throws {
        #expect(
            try served(requests.plan(.all(topology: "line", code: "merge"), .retry)) == [[11, 13], [15]])
        #expect(
            try served(requests.plan(.all(topology: "line", code: "merge"), .discard)) == [[11], [15]])
    }

    @Test func theRateIsSharedAmongTheTasks() throws {
        let plan = try requests.plan(.all(topology: "line", code: nil), .retry)
        for (rate, each) in [(10, 5), (1, 1)] {
            _ = try requests.store(plan, rate: rate, by: "me")
            let stored = try database.connection.query(
                "delete from egiz.redrive where requested_by = 'me' returning rate")
            #expect(stored.compactMap { $0.int64(0) } == [Int64(each), Int64(each)])
        }
    }

    @Test func progressSaysWhoWillServeARequest() throws {
        let plan = try requests.plan(.all(topology: "line", code: nil), .retry)
        let ids = try requests.store(plan, rate: nil, by: "me")
        #expect(try requests.progress(ids).map(\.owner) == [.worker(host: "host"), .worker(host: "host")])
        try store.release([leases[1]])
        #expect(try requests.progress([ids[1]]).map(\.owner) == [.nobody])
        // A worker that was killed keeps its rows; its heart does not beat.
        try database.connection.execute(
            """
            insert into egiz.worker (worker_id, host, pid, seen_at)
            values ('worker-a', 'host', 7, clock_timestamp() - interval '1 minute')
            """)
        #expect(try requests.progress([ids[0]]).map(\.owner) == [.nobody])
        try database.connection.execute(
            """
            insert into egiz.topology (name, version, text) values ('line', 1, '');
            insert into egiz.deployment (topology, wanted_version, state) values ('line', 1, 'paused')
            """)
        let progress = try #require(try requests.progress(nil).first { $0.id == ids[0] })
        #expect(progress.owner == .paused && !progress.isDone && progress.requestedBy == "me")
    }

    @Test func anEditKeepsTheOriginalAndCanBeTakenBack() throws {
        let id = try #require(ids([12]).first)
        #expect(try requests.edit(id, value: [0x41], by: "me"))
        var letter = try #require(try queries.letter(id))
        #expect(letter.original == [0, 1, 255] && letter.edited == [0x41] && letter.value == [0x41])
        #expect(letter.row.editedBy == "me" && letter.row.editedAt != nil && letter.stored.letter.value == [0x41])
        #expect(letter.key == [0x6B, 0] && letter.headers.count == 2 && letter.letter.value == [0, 1, 255])
        #expect(try requests.revert(id))
        letter = try #require(try queries.letter(id))
        #expect(letter.value == [0, 1, 255] && letter.row.editedAt == nil)
        #expect(try !requests.edit(4711, value: [], by: nil))
    }

    @Test func theTextOfATopologyIsTheOneThatRuns() throws {
        #expect(try queries.topologyText("line") == nil)
        try database.connection.execute(
            """
            insert into egiz.topology (name, version, text) values ('line', 1, 'one'), ('line', 2, 'two'), ('line', 3, 'three')
            """)
        #expect(try queries.topologyText("line") == "three")
        try database.connection.execute(
            "insert into egiz.deployment (topology, wanted_version, running_version) values ('line', 3, 2)")
        #expect(try queries.topologyText("line") == "two")
    }
}
