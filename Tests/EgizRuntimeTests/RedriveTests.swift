import EgizCore
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@testable import EgizRuntime

/// Rules 17 and 18: dead letters are tried again by their owner, in order, and release their thing with the last one.
@Suite struct RedriveTests {
    func bench(_ topology: Topology = .relaying()) -> Bench {
        let bench = Bench(topology, registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    func bad(_ bench: Bench, _ thing: String, _ n: Int) {
        bench.log.append(
            "events", key: thing,
            value: #"{"thingId":"\#(thing)","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":"refuse"}}}"#,
            at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000))
    }

    func good(_ thing: String, _ n: Int) -> [UInt8] {
        Array(#"{"thingId":"\#(thing)","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":\#(n)}}}"#.utf8)
    }

    @Test func anEditedLetterAndItsQueueAreProcessedInOrderAndTheThingGoesOn() async throws {
        let bench = bench()
        bench.push("t:a", 1)
        bad(bench, "t:a", 2)
        bench.push("t:a", 3)
        bench.push("t:b", 4)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        #expect(bench.store.letterRows.map(\.letter.code) == ["refused", "queued"])
        bench.store.edit(try #require(bench.store.letterRows.first).id, value: good("t:a", 2))
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(bench.store.letterRows.isEmpty)
        bench.push("t:a", 5)
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["1", "2", "3", "5"] })
        try await worker.stop()
        #expect(bench.log.ids().contains("line/source/events/0@1/1/0r2"))
    }

    @Test func aLetterThatFailsAgainKeepsItsThingParked() async throws {
        let bench = bench()
        bad(bench, "t:a", 1)
        bench.push("t:a", 2)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(bench.store.letterRows.map(\.letter.attempts) == [2, 0])
        bench.push("t:a", 3)
        #expect(await bench.caughtUp())
        #expect(bench.store.letterRows.map(\.letter.code) == ["refused", "queued", "queued"])
        #expect(bench.log.outputs()["t:a"] == nil)
        try await worker.stop()
    }

    @Test func discardingTheFirstLetsTheRestGoOn() async throws {
        let bench = bench()
        bad(bench, "t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.request(.discard, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        bench.push("t:a", 2)
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["2"] })
        try await worker.stop()
    }

    @Test func aRedrivenDeadLetterSaysThatItIsLate() async throws {
        let bench = bench(.relaying(onError: .dead))
        bad(bench, "t:a", 1)
        bench.push("t:a", 2)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.edit(try #require(bench.store.letterRows.first).id, value: good("t:a", 1))
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["2", "1"] })
        let late = bench.log.records(of: TopicPartition("out", 0)).last
        #expect(late?.headers.contains { $0.name == "egiz-late" } == true)
        try await worker.stop()
    }

    @Test func aTaskBeyondItsBoundPausesSaysSoAndGoesOnWhenThereIsRoom() async throws {
        let bench = bench(.relaying(park: ParkLimits(perThing: 2, total: 10)))
        bad(bench, "t:a", 1)
        bench.push("t:a", 2)
        bench.push("t:a", 3)
        bench.push("t:b", 4)
        let worker = bench.worker()
        let task = bench.task()
        #expect(await bench.store.eventually { $0.position(of: task, topic: "events") == 2 })
        #expect(
            worker.worker.statuses.contains { status in
                if case .waiting(let why) = status.state { why.contains("park.maxPerThing") } else { false }
            })
        bench.store.request(.discard, of: bench.task())
        #expect(await bench.caughtUp())
        #expect(await bench.log.eventually { $0.outputs()["t:b"] == ["4"] })
        try await worker.stop()
    }

    /// The letters of an epoch that is not committed are still in the store: they must not be taken a second time.
    @Test func aSlowCommitRedrivesNoLetterTwice() async throws {
        let bench = bench(.relaying(onError: .dead))
        bad(bench, "t:a", 1)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        bench.store.edit(try #require(bench.store.letterRows.first).id, value: good("t:a", 1))
        bench.store.holdCommits()
        bench.push("t:b", 2)
        #expect(await bench.store.eventually { $0.heldCommits == 1 })
        let looks = bench.store.redriveLooks
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.redriveLooks >= looks + 1 })
        let task = bench.task()
        let before = bench.log.end(of: TopicPartition("events", task.partition)).raw
        bench.push("t:b", 3)
        #expect(await bench.log.eventually { $0.polledPastEnd(TopicPartition("events", 0)) })
        #expect(before == 2)
        bench.store.letCommitsGo()
        #expect(await bench.caughtUp())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["1"] && $0.outputs()["t:b"] == ["2", "3"] })
        try await worker.stop()
        #expect(bench.store.task(task)?.counters.redriven == 1)
    }

    /// The tables of a worker that meets ever new paths are made anew: what is parked stays parked.
    @Test func aThingStaysParkedWhenTheTablesAreMadeAnew() async throws {
        let bench = bench()
        bad(bench, "t:a", 1)
        let worker = bench.worker { $0.mostPaths = 20 }
        #expect(await bench.caughtUp())
        for n in 2..<60 { bench.push("t:b", n, path: "p\(n)") }
        #expect(await bench.caughtUp())
        let loads = bench.store.loadCalls.count
        bench.push("t:b", 60)
        #expect(await bench.caughtUp())
        #expect(bench.store.loadCalls.count > loads, "its cache was made anew")
        bench.push("t:a", 61)
        #expect(await bench.caughtUp())
        #expect(bench.store.letterRows.map(\.letter.code) == ["refused", "queued"])
        try await worker.stop()
        #expect(bench.log.outputs()["t:a"] == nil)
    }

    /// For random failures and redrives, the order of each key at the sink equals the order in the log.
    @Test(arguments: 0..<12)
    func theOrderAtTheSinkIsTheOrderInTheLog(_ seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let bench = bench()
        var expected: [String: [String]] = [:]
        var worker = bench.worker("w0")
        var n = 0
        for round in 0..<5 {
            for _ in 0..<30 {
                n += 1
                let thing = "t:m\(Int.random(in: 0..<4, using: &random))"
                expected[thing, default: []].append("\(n)")
                if Int.random(in: 0..<6, using: &random) == 0 { bad(bench, thing, n) } else { bench.push(thing, n) }
            }
            #expect(await bench.caughtUp())
            // Somebody mends some of the letters, and has everything tried again.
            for row in bench.store.letterRows where row.letter.code == "refused" && Bool.random(using: &random) {
                mend(row, in: bench)
            }
            bench.store.request(.retry, of: bench.task())
            if round == 2 {
                try await worker.stop()
                worker = bench.worker("w1")
            }
            #expect(await bench.store.eventually { $0.requestsDone })
        }
        for row in bench.store.letterRows where row.letter.code == "refused" { mend(row, in: bench) }
        while !bench.store.letterRows.isEmpty {
            for row in bench.store.letterRows { mend(row, in: bench) }
            bench.store.request(.retry, of: bench.task())
            #expect(await bench.store.eventually { $0.requestsDone })
        }
        let want = expected
        #expect(await bench.log.eventually { $0.outputs() == want })
        try await worker.stop()
        #expect(Set(bench.log.ids()).count == n)
    }

    private func mend(_ row: MemoryStore.LetterRow, in bench: Bench) {
        guard let thing = row.letter.thing?.text, let value = row.letter.value,
            String(decoding: value, as: UTF8.self).contains("refuse")
        else { return }
        bench.store.edit(row.id, value: good(thing, Int(row.letter.recordTime.microseconds / 1000 - 1_700_000_000_000)))
    }
}
