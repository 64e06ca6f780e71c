import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rule 6: a record that Postgres refuses is found by halving, and becomes a dead letter; everything else is committed once.
@Suite struct HalvingTests {
    @Test(arguments: [1, 2, 7, 64, 200])
    func theOneRecordIsFoundAndTheOthersAreCommitted(_ count: Int) async throws {
        let bench = Bench()
        bench.store.refuse(text: "poison")
        bench.log.pauseFetching(true)
        for n in 0..<count where n != count / 2 { bench.push("t:m\(n % 5)", n) }
        bench.log.append(
            "events", key: "t:m9",
            value: #"{"thingId":"t:m9","timestamp":1700000000001,"features":{"f":{"x":"poison"}}}"#,
            at: EventTime(microseconds: 1_700_000_000_001_000))
        bench.push("t:m9", count + 5)
        let worker = bench.worker()
        bench.log.pauseFetching(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.code) == ["sql-22003"])
        #expect(bench.store.allDeadLetters.first?.thing?.text == "t:m9")
        #expect(bench.store.counters(of: bench.stage)["records"] == Int64(count + 1))
        #expect(bench.store.samples(.init("t:m9", "/features/f/properties/x")).count == 1)
        #expect(bench.store.allSeries.reduce(0) { $0 + bench.store.writtenSamples($1).count } == count)
    }

    @Test func twoBadRecordsAreBothFound() async throws {
        let bench = Bench()
        bench.store.refuse(text: "poison")
        bench.log.pauseFetching(true)
        for n in 0..<100 {
            if n == 20 || n == 77 {
                bench.log.append(
                    "events", key: "t:bad",
                    value: #"{"thingId":"t:bad","timestamp":1700000000001,"features":{"f":{"x":"poison"}}}"#,
                    at: EventTime(microseconds: 1_700_000_000_001_000))
            } else {
                bench.push("t:m\(n % 5)", n)
            }
        }
        let worker = bench.worker()
        bench.log.pauseFetching(false)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.allDeadLetters.map(\.position.offset).sorted() == [20, 77])
        #expect(bench.store.counters(of: bench.stage)["applied"] == 98)
    }

    @Test func theSearchTakesAboutTwiceTheLogarithmOfTheEpoch() {
        // Pure: count the epochs that a record at each place of 1024 costs.
        for bad in [0, 1, 511, 512, 1023] {
            var search: CommitHalving?
            var start = 0
            var end = 1024
            var attempts = 0
            while start < 1024 {
                attempts += 1
                if start...(end - 1) ~= bad {
                    switch CommitHalving.refused(records: end - start, during: search) {
                    case .search(let next): search = next
                    case .found:
                        search = CommitHalving.afterFinding(during: search)
                        start += 1
                        if search == nil { start = 1024 }
                        end = 1024
                        attempts += 1
                        start = 1024
                    case .hopeless: Issue.record("an epoch with records is not hopeless")
                    }
                    if start < 1024, let search { end = min(1024, start + search.limit) }
                } else {
                    search = search?.committed(records: end - start)
                    start = end
                    end = min(1024, start + (search?.limit ?? 1024))
                }
            }
            #expect(attempts < 40)
        }
    }
}

extension HalvingTests {
    /// A letter whose retry Postgres refuses fails again; the others of the request are processed.
    @Test func aRetriedLetterThatPostgresRefusesFailsAgainAlone() async throws {
        let bench = Bench(.relaying(onError: .dead), registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        bench.store.refuse(text: "poison")
        func letter(_ thing: String, _ text: String, _ n: Int) -> String {
            #"{"thingId":"\#(thing)","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":"\#(text)"}}}"#
        }
        for n in 0..<5 {
            bench.log.append(
                "events", key: "t:m\(n)", value: letter("t:m\(n)", "refuse", n),
                at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000))
        }
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        for (n, row) in bench.store.letterRows.enumerated() {
            bench.store.edit(row.id, value: Array(letter("t:m\(n)", n == 2 ? "poison" : "fine", n).utf8))
        }
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(bench.store.letterRows.map(\.letter.code) == ["sql-22003"])
        #expect(bench.store.requestCounts.resolved == 4)
        bench.push("t:m9", 100)
        #expect(await bench.caughtUp())
        try await worker.stop()
    }
}
