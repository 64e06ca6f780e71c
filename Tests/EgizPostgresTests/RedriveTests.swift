import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// Parked records and redriving, as the store keeps them (rules 17 and 18).
@Suite struct RedriveTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, _ fill: (EpochWrite) throws -> Void) throws -> CommitOutcome {
        let epoch = Epochs.write([Epochs.advance(lease, n)])
        try fill(epoch)
        return try writer.commit(epoch)
    }

    private func letter(_ offset: Int64, parked thing: String? = nil, attempts: Int = 1, value: [UInt8]? = [1]) throws
        -> DeadLetter
    {
        var letter = Epochs.letter(offset: offset, value: value)
        letter.thing = try thing.map { try ThingID(validating: $0) }
        if thing != nil { letter.disposition = .parked }
        letter.attempts = attempts
        letter.processor = "rules"
        return letter
    }

    /// The id of the request.
    @discardableResult
    private func request(_ columns: String = "", _ values: String = "", action: String = "retry") throws -> Int64 {
        let rows = try database.connection.query(
            """
            insert into egiz.redrive (stage, partition, action\(columns.isEmpty ? "" : ", ")\(columns))
            values ('line.events', 0, '\(action)'\(values.isEmpty ? "" : ", ")\(values)) returning request_id
            """)
        return try #require(rows.first?.int64(0))
    }

    private func offsets(_ batches: [RedriveBatch]) -> [[Int64]] {
        batches.map { $0.letters.map(\.letter.position.offset) }
    }

    /// Letters of other systems that are tried again by themselves.
    @Test func lettersThatAreDueComeInTheOrderInWhichTheyAreDue() throws {
        _ = try commit(1) { epoch in
            epoch.deadLetters = try [(1, 300), (2, nil), (3, 100), (4, 200), (5, 201)].map {
                (offset: Int, due: Int64?) in
                var letter = try letter(Int64(offset))
                letter.retryAt = due.map { EventTime(microseconds: $0 * 1_000_000) }
                letter.headers = [.init(name: "egiz-retry", value: Array("2".utf8))]
                return letter
            }
        }
        func due(_ second: Int64, _ limit: Int = 10) throws -> [[Int64]] {
            offsets(try store.dueRetries(of: [(lease, EventTime(microseconds: second * 1_000_000))], limit: limit))
        }
        #expect(try due(99) == [])
        #expect(try due(200) == [[3, 4]])
        #expect(try due(400) == [[3, 4, 5, 1]])
        #expect(try due(400, 2) == [[3, 4]])
        let first = try #require(
            store.dueRetries(of: [(lease, EventTime(microseconds: 100_000_000))], limit: 1).first?.letters.first)
        #expect(first.letter.headers.map(\.name) == ["egiz-retry"])
        #expect(first.letter.value == [1])
        // A letter that fails when it is tried again stays; one that was processed is gone.
        _ = try commit(2) { epoch in
            let four = try #require(store.dueRetries(of: [(lease, .latest)], limit: 2).first?.letters.last)
            epoch.redriven = [
                RedriveResult(letter: first.id, outcome: .resolved),
                RedriveResult(letter: four.id, outcome: .failed(code: "output-size", message: "too large")),
            ]
        }
        #expect(try due(400) == [[5, 1]])
        #expect(try database.count("dead_letter where code = 'output-size' and retry_at is null and attempts = 2") == 1)
        // Somebody else's by now.
        _ = try store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1)
        #expect(try due(400) == [])
    }

    @Test func aDatabaseHasAnIdentityOfItsOwn() throws {
        let id = try store.databaseID()
        #expect(id.utf8.count == 36)
        #expect(try store.databaseID() == id)
        // Not a copy of the migrated one, as this is.
        let other = try TestDatabase(migrated: false)
        try Migrator(other.connection).migrate()
        #expect(try other.store().databaseID() != id)
    }

    /// Only what is parked before a letter keeps it waiting.
    @Test func aDeadLetterOfAThingDoesNotStandBeforeItsQueue() throws {
        _ = try commit(1) { epoch in
            var dead = try letter(1)
            dead.thing = try ThingID(validating: "a:b")
            epoch.deadLetters = [dead, try letter(2, parked: "a:b"), try letter(3, parked: "a:b", attempts: 0)]
        }
        try request()
        let letters = try #require(store.redrives(of: [lease], limit: 10).first?.letters)
        #expect(letters.map(\.letter.position.offset) == [1, 2, 3])
        #expect(letters.map(\.isFirst) == [true, true, false])
    }

    @Test func parkedThingsAreCountedAtTakeover() throws {
        _ = try commit(1) { epoch in
            epoch.deadLetters = [
                try letter(1, parked: "a:b"), try letter(2, parked: "a:b", attempts: 0), try letter(3, parked: "a:c"),
                try letter(4),
            ]
        }
        let expected: [ThingID: Int] = [try ThingID(validating: "a:b"): 2, try ThingID(validating: "a:c"): 1]
        let next = try #require(
            store.acquire([Epochs.task(), Epochs.task(1)], partitions: 2, topologyVersion: 1).first)
        #expect(next.parked == expected)
        #expect(try store.parked(of: [Epochs.task(1), Epochs.task()]) == [Epochs.task(): expected])
        #expect(try database.count("dead_letter where disposition = 'parked' and attempts = 0") == 1)
    }

    /// Not in the order of offsets: a thing's records of several topics park in the order in which they were read.
    @Test func lettersAreNumberedInTheOrderOfTheEpoch() throws {
        let order: [Int64] = [50, 3, 99, 4, 61, 2]
        _ = try commit(1) { $0.deadLetters = try order.map { try letter($0, parked: "a:b") } }
        try request("thing_id", "'a:b'")
        #expect(offsets(try store.redrives(of: [lease], limit: 10)) == [order])
    }

    @Test func aLetterComesBackWhole() throws {
        var original = try letter(7, parked: "a:b", attempts: 2, value: [0, 1, 255])
        original.headers = [
            .init(name: "a\"\u{0}\u{1}é\\", value: [0, 159]), .init(name: "b", value: nil), .init(name: "", value: []),
        ]
        _ = try commit(1) { $0.deadLetters = [original] }
        let id = try request("rate", "5")
        let batch = try #require(store.redrives(of: [lease], limit: 10).first)
        #expect(batch.request == id && batch.action == .retry && batch.rate == 5 && batch.isLast)
        #expect(batch.task == Epochs.task())
        let stored = try #require(batch.letters.first)
        let read = stored.letter
        #expect(stored.incarnation == 1)
        #expect(read.stage == original.stage && read.position == original.position)
        #expect(read.key == original.key && read.value == original.value && read.headers == original.headers)
        #expect(
            read.recordTime == original.recordTime && read.code == original.code && read.message == original.message)
        #expect(read.thing == original.thing && read.processor == original.processor)
        #expect(read.disposition == .parked && read.attempts == 2)
    }

    @Test func anEditCountsAlsoWhereItIsATombstone() throws {
        _ = try commit(1) { $0.deadLetters = [try letter(1), try letter(2)] }
        try database.connection.execute(
            """
            update egiz.dead_letter set edited_value = '\\x4142', edited_at = now() where "offset" = 1;
            update egiz.dead_letter set edited_at = now() where "offset" = 2
            """)
        try request()
        let letters = try #require(store.redrives(of: [lease], limit: 10).first).letters
        #expect(letters.map(\.letter.value) == [[0x41, 0x42], nil])
    }

    @Test func aRequestIsServedPieceByPiece() throws {
        _ = try commit(1) { $0.deadLetters = try (1...5).map { try letter($0, parked: "a:b") } }
        let id = try request("thing_id", "'a:b'")
        var batch = try #require(store.redrives(of: [lease], limit: 2).first)
        #expect(offsets([batch]) == [[1, 2]] && !batch.isLast)
        _ = try commit(2) { epoch in
            epoch.redriven = [
                RedriveResult(letter: batch.letters[0].id, outcome: .resolved),
                RedriveResult(letter: batch.letters[1].id, outcome: .failed(code: "rule\u{0}", message: "still")),
            ]
            epoch.redrives = [
                RedriveAdvance(request: id, through: batch.letters[1].id, resolved: 1, failed: 1, isDone: false)
            ]
        }
        #expect(try database.count("dead_letter") == 4)
        #expect(try database.count("dead_letter where \"offset\" = 2 and attempts = 2 and message = 'still'") == 1)
        batch = try #require(store.redrives(of: [lease], limit: 3).first)
        #expect(offsets([batch]) == [[3, 4, 5]] && batch.isLast)
        let letters = batch.letters
        _ = try commit(3) { epoch in
            epoch.redriven = letters.map { RedriveResult(letter: $0.id, outcome: .discarded) }
            epoch.redrives = [
                RedriveAdvance(request: id, through: letters[2].id, resolved: 3, failed: 0, isDone: true)
            ]
        }
        #expect(try store.redrives(of: [lease], limit: 3).isEmpty)
        #expect(try database.count("dead_letter") == 1)
        #expect(
            try database.count(
                "redrive where state = 'done' and resolved = 4 and failed = 1 and finished_at is not null") == 1)
    }

    @Test func aRequestNamesAThingLettersOrAll() throws {
        _ = try commit(1) { epoch in
            epoch.deadLetters = [
                try letter(1, parked: "a:b"), try letter(2), try letter(3, parked: "a:c"), try letter(4),
            ]
        }
        func serve(_ columns: String, _ values: String) throws -> [[Int64]] {
            let id = try request(columns, values)
            defer { try? database.connection.execute("delete from egiz.redrive where request_id = \(id)") }
            return offsets(try store.redrives(of: [lease], limit: 10))
        }
        #expect(try serve("thing_id", "'a:c'") == [[3]])
        let ids = try database.connection.query(
            "select dead_letter_id from egiz.dead_letter where \"offset\" in (2, 3) order by 1"
        ).compactMap { $0.int64(0) }
        #expect(try serve("letters", "array[\(ids[0]), \(ids[1])]") == [[2, 3]])
        #expect(try serve("", "") == [[1, 2, 3, 4]])
        // What is parked comes also where it was queued later: a thing goes on only with its last letter.
        #expect(try serve("upto", "\(ids[0])") == [[1, 2, 3]])
        #expect(try serve("thing_id", "'a:nobody'") == [[]])
    }

    @Test func theOldestRequestComesFirstAndOnlyToTheOwner() throws {
        _ = try commit(1) { $0.deadLetters = [try letter(1)] }
        let first = try request(action: "discard")
        try request()
        let batches = try store.redrives(of: [lease], limit: 10)
        #expect(batches.map(\.request) == [first] && batches.map(\.action) == [.discard])
        _ = try database.store("worker-b").acquire([Epochs.task()], partitions: 2, topologyVersion: 1)
        #expect(try store.redrives(of: [lease], limit: 10).isEmpty)
    }

    @Test func largeLettersDoNotComeAllAtOnce() throws {
        let megabytes = [UInt8](repeating: 1, count: 5 << 20)
        _ = try commit(1) { $0.deadLetters = try (1...3).map { try letter($0, value: megabytes) } }
        try request()
        let batch = try #require(store.redrives(of: [lease], limit: 10).first)
        #expect(offsets([batch]) == [[1, 2]] && !batch.isLast)
    }
}
