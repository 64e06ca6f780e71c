import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@testable import EgizRuntime

/// Dead letters of other systems, on the stream thread: the clock makes them due, the task's owner sends them back, once.
@Suite struct ForeignLetterTests {
    private func topology(alertOver most: Int64? = nil) -> Topology {
        let mark = SourceMark(line: 1, column: 1)
        let retry = JSONObject.of([("count", .int(1)), ("first", .int(100)), ("most", .int(1000))])
        let source = SourceDefinition(
            name: "source", topics: [.init(name: "orders.dlq", partitions: 1, config: [:], mark: mark)], format: .json,
            start: .earliest, onGap: .fail, idle: .milliseconds(100), mark: mark)
        var settings = ["retry": ConfigValue(json: .object(retry), at: mark)]
        if let most {
            let alert = JSONObject.of([("over", .int(most)), ("per", .int(3_600_000))])
            settings["alert"] = ConfigValue(json: .object(alert), at: mark)
        }
        let handler = ProcessorDefinition(
            name: "orders", kind: "dead-letter-handler", from: "source", settings: settings, mark: mark)
        return Topology(
            name: "line", description: nil, delivery: .exactlyOnce, parallelism: 1,
            commit: CommitPolicy(interval: .zero, maxRecords: 50_000, maxBytes: 64 << 20), sources: [source],
            processors: [handler], kafka: [:], sourceText: "line")
    }

    private func push(_ bench: Bench, _ number: Int, retry: String? = nil, database: String = "elsewhere") {
        var headers = [
            DeadLetter.Header(name: "egiz-dlq-code", value: Array("timeout".utf8)),
            DeadLetter.Header(name: "egiz-db", value: Array(database.utf8)),
        ]
        if let retry { headers.append(.init(name: "egiz-retry", value: Array(retry.utf8))) }
        bench.log.append(
            "orders.dlq", key: Array("k\(number)".utf8), bytes: Array("v\(number)".utf8),
            at: EventTime(microseconds: 1_700_000_000_000_000), partition: 0, headers: headers)
    }

    private func sent(_ bench: Bench) -> [String] {
        bench.log.records(of: TopicPartition("orders", 0)).map { record in
            let retry = record.headers.first { $0.name == "egiz-retry" }?.value ?? []
            return "\(String(decoding: record.value ?? [], as: UTF8.self)) \(String(decoding: retry, as: UTF8.self))"
        }
    }

    @Test func lettersGoBackWhenTheClockSaysSoAndStayWhenTheirCountIsUsedUp() async throws {
        let bench = Bench(topology())
        bench.log.createTopic("orders", partitions: 1)
        push(bench, 1)
        push(bench, 2, retry: "1")
        push(bench, 3, database: MemoryStore.databaseID)
        push(bench, 4)
        let worker = bench.worker()
        #expect(await bench.caughtUp())
        // Nothing comes any more: the end of the log lets stream time go on.
        #expect(await bench.log.eventually { _ in sent(bench).count == 2 })
        #expect(sent(bench) == ["v1 1", "v4 1"])
        #expect(await bench.store.eventually { $0.letterRows.count == 1 })
        #expect(bench.store.letterRows.map(\.letter.key) == [Array("k2".utf8)])
        #expect(bench.log.partitionCount(of: "orders.dlq.dlq") == 0)
        try await worker.stop()
        // Whoever takes over finds nothing that is due.
        let second = bench.worker("w2")
        push(bench, 5)
        #expect(await bench.log.eventually { _ in sent(bench).count == 3 })
        #expect(sent(bench).last == "v5 1")
        try await second.stop()
    }

    @Test func whatPeopleSayOfItsAlertReachesAHandlerThoughItHasNoRules() async throws {
        let bench = Bench(topology(alertOver: 1))
        bench.log.createTopic("orders", partitions: 1)
        for number in 1...3 { push(bench, number, retry: "1") }
        let worker = bench.worker()
        #expect(await bench.store.eventually { $0.allAlerts.count == 1 })
        bench.store.send(
            "acknowledge", to: "orders", of: bench.task(), thing: try ThingID(validating: "dead-letters:orders.dlq-0"),
            subject: "rate", by: "jo")
        #expect(
            await bench.store.eventually { $0.allAlerts.first?.acknowledgedBy == "jo" && $0.waitingMessages.isEmpty })
        try await worker.stop()
    }
}

extension JSONObject {
    fileprivate static func of(_ members: [(String, JSONValue)]) -> JSONObject {
        var object = JSONObject()
        for (name, value) in members { object[name] = value }
        return object
    }
}
