import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// A rehearsal says what the owner then does, and changes nothing.
@Suite struct LetterRehearsalTests {
    private func bench() -> Bench {
        let bench = Bench(.relaying(), registry: .withRelay)
        bench.log.createTopic("out", partitions: 1)
        return bench
    }

    private func push(_ bench: Bench, _ n: Int, _ x: String) {
        bench.log.append(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"x":\#(x)}}}"#,
            at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000))
    }

    private func outcomes(_ bench: Bench) throws -> [LetterRehearsal.Outcome] {
        let store = try MemoryStoreFactory(store: bench.store).openTaskStore(
            worker: WorkerIdentity(id: "people", host: "", processID: 0))
        let rehearsal = try LetterRehearsal(
            .init(task: bench.task(), streamTime: EventTime(microseconds: 1_700_000_000_000_000), incarnation: 1),
            stage: bench.topology.stages[0], registry: .withRelay, store: store)
        let rows = bench.store.letterRows
        return try rows.map { row in
            try rehearsal.run(
                StoredDeadLetter(id: row.id, letter: row.letter, incarnation: 1, isFirst: row.id == rows.first?.id))
        }
    }

    @Test func itSaysWhatTheOwnerThenDoesAndChangesNothing() async throws {
        let bench = bench()
        push(bench, 1, "1")
        push(bench, 2, #""refuse""#)
        push(bench, 3, "3")
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        #expect(
            try outcomes(bench) == [
                .fails(code: "refused", message: try #require(bench.store.letterRows.first).letter.message), .waits,
            ])
        bench.store.edit(
            try #require(bench.store.letterRows.first).id,
            value: Array(#"{"thingId":"t:a","timestamp":1700000000002,"features":{"f":{"x":2}}}"#.utf8))
        let thing = try ThingID(validating: "t:a")
        let expected: [LetterRehearsal.Outcome] = [
            .processed(.init(thing: thing, samples: 1, emitted: 1, revisionBefore: 1, revisionAfter: 2)),
            .processed(.init(thing: thing, samples: 1, emitted: 1, revisionBefore: 2, revisionAfter: 3)),
        ]
        #expect(try outcomes(bench) == expected)
        #expect(try outcomes(bench) == expected)
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["1"] })
        bench.store.request(.retry, of: bench.task())
        #expect(await bench.store.eventually { $0.requestsDone })
        #expect(await bench.log.eventually { $0.outputs()["t:a"] == ["1", "2", "3"] })
        try await worker.stop()
        #expect(bench.store.letterRows.isEmpty)
    }
}
