import EgizCore
import EgizKafka
import EgizRuntime
import Logging
import Testing

/// A tail reads without a group: from near the end on, new topics from their beginning, and says when the log is another one.
@Suite struct TailTests {
    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func tail(
        _ cluster: TestCluster, behind: Int = 100, lookInterval: Duration = .seconds(10)
    ) throws -> KafkaTail {
        try KafkaTail(
            brokers: cluster.brokers, properties: [:], prefixes: ["tail."], behind: behind, lookInterval: lookInterval,
            log: Self.quiet)
    }

    /// Reads until that many records came.
    private func read(_ tail: KafkaTail, _ count: Int) async throws -> [TailBatch] {
        var batches: [TailBatch] = []
        let deadline = ContinuousClock.now + .seconds(30)
        while batches.reduce(0, { $0 + $1.records.count }) < count, ContinuousClock.now < deadline {
            batches.append(try await tail.next(limit: 1000, wait: .milliseconds(100)))
        }
        return batches
    }

    @Test func itBeginsSomeRecordsBeforeTheEndAndGoesOn() async throws {
        let cluster = try await blocking { try TestCluster([("tail.a", 1), ("other", 1)]) }
        let producer = try cluster.producer()
        func send(_ topic: String, _ range: ClosedRange<Int>) throws {
            for number in range {
                try producer.send(
                    topic: cluster.topic(topic), partition: 0, key: Array("t:a".utf8), value: Array("\(number)".utf8))
            }
            try #require(producer.flush(timeout: .seconds(20)))
        }
        try send("tail.a", 1...250)
        try send("other", 1...5)
        let tail = try tail(cluster)
        let first = try await read(tail, 100)
        let records = first.flatMap(\.records)
        #expect(records.map { String(decoding: $0.value ?? [], as: UTF8.self) } == (151...250).map(String.init))
        #expect(records.first?.offset == 150 && records.first?.key == Array("t:a".utf8))
        let partition = TopicPartition(cluster.topic("tail.a"), 0)
        #expect(first.first?.isNewLog == true && first.dropFirst().allSatisfy { !$0.isNewLog })
        #expect(first.compactMap { $0.started[partition] } == [NextOffset(stored: 150)])
        #expect(first.compactMap { $0.ends[partition] } == [NextOffset(stored: 250)], "what lies before is the past")
        #expect(first.last { !$0.records.isEmpty }?.positions[partition] == NextOffset(stored: 250))
        try send("tail.a", 251...252)
        let more = try await read(tail, 2)
        #expect(more.flatMap(\.records).map(\.offset) == [250, 251])
        #expect(Set((first + more).map(\.log)).count == 1)
        await tail.close()
        await #expect(throws: EngineError.self) { try await tail.next(limit: 1, wait: .zero) }
        producer.close(timeout: .seconds(5))
    }

    @Test func withoutAnyTopicItWaits() async throws {
        let cluster = try await blocking { try TestCluster([("other", 1)]) }
        let tail = try tail(cluster)
        let batch = try await tail.next(limit: 10, wait: .milliseconds(20))
        #expect(batch.records.isEmpty && batch.started.isEmpty)
        await tail.close()
    }

    /// Also the first one of all: who listens already has missed none of it.
    @Test func aTopicThatAppearsLaterIsReadFromItsBeginning() async throws {
        let cluster = try await blocking { try TestCluster([("other", 1)]) }
        guard let broker = cluster.broker else { return }
        let tail = try tail(cluster, behind: 10, lookInterval: .milliseconds(50))
        let first = try await tail.next(limit: 10, wait: .milliseconds(1))
        #expect(first.isNewLog && first.started.isEmpty)
        try broker.createTopic(cluster.topic("tail.late"), partitions: 1)
        let producer = try cluster.producer()
        for number in 1...50 {
            try producer.send(
                topic: cluster.topic("tail.late"), partition: 0, key: nil, value: Array("\(number)".utf8))
        }
        try #require(producer.flush(timeout: .seconds(20)))
        let batches = try await read(tail, 50)
        #expect(batches.flatMap(\.records).map(\.offset) == Array(0..<50))
        #expect(batches.allSatisfy { !$0.isNewLog && $0.ends.isEmpty })
        await tail.close()
        producer.close(timeout: .seconds(5))
    }
}
