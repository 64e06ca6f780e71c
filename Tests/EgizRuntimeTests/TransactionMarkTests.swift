import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Logs that are written by transactions end with marks that no reader sees: they are neither lag nor something to wait for.
@Suite struct TransactionMarkTests {
    @Test func anIdleTaskBehindWhichAMarkStandsIsAtTheEnd() async throws {
        let bench = Bench(.testing(idle: .milliseconds(20)))
        bench.push(0..<3)
        bench.log.appendMark(TopicPartition("events", 0))
        let worker = bench.worker()
        let task = bench.task()
        #expect(await bench.store.eventually { $0.counters(of: task.stage)["records"] == 3 })
        let first = bench.store.task(task)?.streamTime
        #expect(await bench.store.eventually { $0.task(task)?.streamTime != first })
        // The position is behind the mark, so that whoever compares it with the log's end sees no lag.
        #expect(await bench.store.eventually { $0.position(of: task, topic: "events") == 4 })
        // Another idle epoch: the lag has been looked at since.
        let behind = bench.store.task(task)?.streamTime
        #expect(await bench.store.eventually { $0.task(task)?.streamTime != behind })
        #expect(worker.worker.statuses.allSatisfy { $0.lag == 0 })
        bench.push(3..<5)
        bench.log.appendMark(TopicPartition("events", 0))
        bench.push(5..<6)
        #expect(await bench.caughtUp())
        try await worker.stop()
        #expect(bench.store.counters(of: bench.stage)["records"] == 6)
    }

    @Test func marksBetweenRecordsChangeNothing() async throws {
        let bench = Bench()
        for n in 0..<50 {
            bench.push("t:m\(n % 3)", n)
            if n % 7 == 0 { bench.log.appendMark(TopicPartition("events", 0)) }
        }
        var worker = bench.worker { $0.pollLimit = 4 }
        let stage = bench.stage
        #expect(await bench.store.eventually { $0.counters(of: stage)["records"] == 50 })
        try await worker.stop()
        for n in 50..<60 { bench.push("t:m\(n % 3)", n) }
        worker = bench.worker("w2")
        #expect(await bench.caughtUp())
        try await worker.stop()
        expectEqual(bench.store, try bench.fold(), stage: bench.stage)
    }

    /// The position behind a mark moves without a record; the record that Postgres refuses is the other topic's.
    @Test func aRefusedRecordIsFoundWhereAnotherTopicEndsWithAMark() async throws {
        let bench = Bench(.testing(topics: ["a", "b"]))
        bench.store.refuse(text: "poison")
        bench.push("t:a", 1, topic: "a")
        bench.log.appendMark(TopicPartition("a", 0))
        let worker = bench.worker()
        let stage = bench.stage
        #expect(await bench.store.eventually { $0.counters(of: stage)["records"] == 1 })
        // Between two looks for requests the thread has polled in vain and moved the position behind the mark, which is not committed.
        let looks = bench.store.redriveLooks
        #expect(await bench.store.eventually { $0.redriveLooks >= looks + 5 })
        #expect(bench.store.position(of: bench.task(), topic: "a") == 1)
        bench.log.append(
            "b", key: "t:b", value: #"{"thingId":"t:b","timestamp":1700000000001,"features":{"f":{"x":"poison"}}}"#,
            at: EventTime(microseconds: 1_700_000_000_001_000))
        #expect(await bench.store.eventually { $0.letterRows.count == 1 })
        #expect(bench.store.letterRows.first?.letter.position == InputPosition(topic: "b", partition: 0, offset: 0))
        #expect(bench.store.refusedEpochs == 1, "the record was not found at once")
        bench.push("t:b", 2, topic: "b")
        #expect(await bench.store.eventually { $0.counters(of: stage)["records"] == 3 })
        try await worker.stop()
    }
}
