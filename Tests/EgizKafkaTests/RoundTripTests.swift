import EgizCore
import EgizKafka
import EgizRuntime
import EgizTwin
import Testing

@Suite struct RoundTripTests {
    @Test func recordsArriveAsTheyWereSent() async throws {
        try await blocking {
            let cluster = try TestCluster([("a", 1), ("b", 1)])
            let producer = try cluster.producer()
            let time = EventTime(microseconds: 1_700_000_000_123_000)
            let headers = [
                DeadLetter.Header(name: "egiz-id", value: Array("x/1".utf8)),
                DeadLetter.Header(name: "empty", value: []), DeadLetter.Header(name: "null", value: nil),
            ]
            try producer.send(
                topic: cluster.topic("a"), key: Array("org:plain".utf8), value: Array("{}".utf8), headers: headers,
                timestamp: time)
            try producer.send(topic: cluster.topic("a"), key: Array("org:gone".utf8), value: nil)
            try producer.send(topic: cluster.topic("a"), key: Array("org:empty".utf8), value: [])
            try producer.send(topic: cluster.topic("a"), partition: 0, key: nil, value: Array("no key".utf8))
            try producer.send(topic: cluster.topic("b"), key: [], value: Array("empty key".utf8))
            #expect(producer.flush(timeout: .seconds(20)))
            #expect(producer.deliveries.delivered == 5)
            #expect(producer.deliveries.failed == 0)

            let member = try cluster.member(["b", "a"])
            #expect(poll([member]) { member.records.count >= 5 })
            let a = member.records.filter { $0.topic == 1 }
            #expect(a.map(\.key) == ["org:plain", "org:gone", "org:empty", nil])
            #expect(a.map(\.value) == ["{}", nil, "", "no key"])
            #expect(a.map(\.offset) == [0, 1, 2, 3])
            #expect(a.first?.time == time.microseconds)
            #expect(a.first?.headers == ["egiz-id=x/1", "empty=", "null=nil"])
            #expect(a.last?.headers == [])
            let b = member.records.filter { $0.topic == 0 }
            #expect(b.map(\.key) == [""])
            #expect(member.strays == 0)
            member.close()
            producer.close(timeout: .seconds(5))
        }
    }

    @Test func aBatchOutlivesItsConsumer() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let producer = try cluster.producer()
            for i in 0..<100 { try producer.send(topic: cluster.topic("t"), key: nil, value: Array("v\(i)".utf8)) }
            #expect(producer.flush(timeout: .seconds(20)))
            var batch: (any RecordBatch)?
            do {
                let member = try cluster.member(["t"])
                let deadline = ContinuousClock.now + .seconds(40)
                while batch == nil, ContinuousClock.now < deadline {
                    batch = try member.consumer.poll(limit: 1000, timeout: .milliseconds(100), listener: member)
                }
                member.close()
            }
            let kept = try #require(batch)
            let value = kept.record(at: 0).value.map { String(decoding: $0, as: UTF8.self) }
            #expect(value == "v0")
        }
    }

    @Test func theLimitOfAPollIsKept() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let producer = try cluster.producer()
            for i in 0..<50 { try producer.send(topic: cluster.topic("t"), key: nil, value: Array("v\(i)".utf8)) }
            #expect(producer.flush(timeout: .seconds(20)))
            let member = try cluster.member(["t"])
            let deadline = ContinuousClock.now + .seconds(40)
            var counts: [Int] = []
            while counts.reduce(0, +) < 50, ContinuousClock.now < deadline {
                if let batch = try member.consumer.poll(limit: 7, timeout: .milliseconds(100), listener: member) {
                    counts.append(batch.count)
                }
            }
            #expect(counts.reduce(0, +) == 50)
            #expect(counts.allSatisfy { (1...7).contains($0) })
            member.close()
        }
    }

    @Test func aRecordThatIsTooLargeIsRefusedForEver() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let producer = try cluster.producer()
            let error = #expect(throws: EngineError.self) {
                try producer.send(topic: cluster.topic("t"), key: nil, value: [UInt8](repeating: 65, count: 2_000_000))
            }
            #expect(error?.retry == .never)
            #expect(error?.message.contains(cluster.topic("t")) == true)
        }
    }

    @Test func aFullQueueWaitsForRoom() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 4)])
            let producer = try cluster.producer(["queue.buffering.max.messages": "100"])
            for i in 0..<5000 { try producer.send(topic: cluster.topic("t"), key: nil, value: Array("v\(i)".utf8)) }
            #expect(producer.flush(timeout: .seconds(30)))
            #expect(producer.deliveries.delivered == 5000)
            producer.close(timeout: .seconds(1))
            #expect(throws: EngineError.self) { try producer.send(topic: cluster.topic("t"), value: []) }
        }
    }

    @Test func undeliverableRecordsAreCountedAndReported() async throws {
        try await blocking {
            let port = try TestPorts.free()
            let failures = Failures()
            let producer = try KafkaProducer(
                brokers: "127.0.0.1:\(port)",
                properties: ["message.timeout.ms": "1000", "enable.idempotence": "false"],
                log: TestCluster.log, onFailure: { failures.append($0) })
            for _ in 0..<3 { try producer.send(topic: "t", key: nil, value: [1]) }
            #expect(producer.flush(timeout: .seconds(20)))
            #expect(producer.deliveries.failed == 3)
            #expect(producer.deliveries.delivered == 0)
            #expect(failures.all.count == 3)
            #expect(producer.deliveries.firstFailure?.retry == .backoff)
        }
    }
}
