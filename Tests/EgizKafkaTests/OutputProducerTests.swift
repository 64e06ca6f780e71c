import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizKafka

@Suite struct OutputProducerTests {
    @Test(arguments: [true, false]) func recordsAndOffsetsArriveTogetherAndInOrder(transactional: Bool) async throws {
        try await blocking {
            let line = try OutputLine()
            #expect(line.join())
            let producer = try line.producer(transactional: transactional)
            var records = line.records(0..<100)
            records[1].key = nil
            records[2].value = nil
            records[3].headers = []
            records[4].time = 0
            let membership = try line.member.consumer.membership()
            #expect(try producer.publish(records, offsets: line.offsets(10, epoch: 1), as: membership).isPublished)
            #expect(
                try producer.publish(line.records(100..<103), offsets: line.offsets(11, epoch: 2), as: membership)
                    .isPublished)
            #expect(try line.evidence() == line.offsets(11, epoch: 2).values.first)

            #expect(poll([line.member]) { line.outputs.count >= 103 })
            let seen = line.outputs
            #expect(seen.count == 103)
            #expect(seen[0].headers == ["n=0", "egiz-id=t/s/x/0@i/0/0"])
            #expect(seen[0].time == 1_700_000_000_000_000)
            #expect(seen.map { $0.headers.last } == (0..<103).map { "egiz-id=t/s/x/0@i/\($0)/0" })
            #expect(seen[1].key == nil && seen[1].value == "v1")
            #expect(seen[2].value == nil && seen[2].key == "org:k2")
            #expect(seen[3].headers == ["egiz-id=t/s/x/0@i/3/0"])
            #expect(seen[4].time > 1_750_000_000_000_000)
            line.close(producer)
        }
    }

    @Test func nothingToPublishStillMovesTheOffsets() async throws {
        try await blocking {
            let line = try OutputLine()
            #expect(line.join())
            let producer = try line.producer()
            let membership = try line.member.consumer.membership()
            #expect(try producer.publish([], offsets: line.offsets(5, epoch: 3), as: membership).isPublished)
            #expect(try line.evidence() == line.offsets(5, epoch: 3).values.first)
            line.close(producer)
        }
    }

    @Test func oneKeyStaysInOnePartitionAndInOrder() async throws {
        try await blocking {
            let line = try OutputLine(partitions: 4)
            #expect(line.join())
            let producer = try line.producer()
            let membership = try line.member.consumer.membership()
            for epoch in 0..<5 {
                let records = line.records(epoch * 200..<(epoch + 1) * 200)
                #expect(
                    try producer.publish(records, offsets: line.offsets(1, epoch: epoch), as: membership).isPublished)
            }
            #expect(line.published(1000).count == 1000)
            for key in 0..<7 {
                let mine = line.outputs.filter { $0.key == "org:k\(key)" }
                #expect(Set(mine.map(\.partition)).count == 1)
                #expect(mine.map(\.value) == (0..<1000).filter { $0 % 7 == key }.map { "v\($0)" })
            }
            line.close(producer)
        }
    }

    @Test func aTopicThatIsMissingIsMade() async throws {
        try await blocking {
            let line = try OutputLine()
            #expect(line.join())
            let producer = try line.producer()
            let membership = try line.member.consumer.membership()
            let records = line.records(0..<3, topic: "fresh")
            #expect(try producer.publish(records, offsets: line.offsets(1, epoch: 1), as: membership).isPublished)
            let reader = try line.cluster.member(["fresh"], group: "reader")
            #expect(poll([reader]) { reader.records.count == 3 })
            reader.close()
            line.close(producer)
        }
    }

    @Test(arguments: [true, false]) func aRecordThatIsTooLargeIsNamedAndTheOthersGoOn(transactional: Bool) async throws
    {
        try await blocking {
            let line = try OutputLine()
            #expect(line.join())
            let producer = try line.producer(transactional: transactional)
            let membership = try line.member.consumer.membership()
            var records = line.records(0..<10)
            let limit = KafkaOutputProducerFactory(brokers: "", log: TestCluster.log).largestRecord(properties: [:])
            records[0].value = [UInt8](repeating: 65, count: limit - 100)
            records[3].value = [UInt8](repeating: 65, count: 1_000_000)
            records[8].key = [UInt8](repeating: 65, count: 1_000_000)
            let refused = try producer.publish(records, offsets: line.offsets(1, epoch: 1), as: membership).refused
            #expect(refused?.keys.sorted() == [3, 8])
            #expect(refused?[3]?.retry == .never)
            #expect(refused?[3]?.message.contains(line.cluster.topic("out")) == true)
            #expect(try line.evidence() == nil)
            records.remove(at: 8)
            records.remove(at: 3)
            #expect(try producer.publish(records, offsets: line.offsets(1, epoch: 1), as: membership).isPublished)
            #expect(line.published(8).count == 8)
            line.close(producer)
        }
    }

    @Test func aHundredThousandRecordsFitOneTransaction() async throws {
        try await blocking {
            let line = try OutputLine(partitions: 8)
            #expect(line.join())
            // The queue is shorter than the batch.
            let producer = try line.producer(["queue.buffering.max.messages": "20000"])
            let membership = try line.member.consumer.membership()
            let records = line.records(0..<100_000)
            #expect(try producer.publish(records, offsets: line.offsets(1, epoch: 1), as: membership).isPublished)
            #expect(line.published(100_000).count == 100_000)
            #expect(Set(line.outputs.map(\.headers.last)).count == 100_000)
            line.close(producer)
        }
    }

    @Test func aClosedProducerSaysSo() async throws {
        try await blocking {
            let line = try OutputLine()
            #expect(line.join())
            let producer = try line.producer()
            let membership = try line.member.consumer.membership()
            producer.close()
            producer.close()
            let error = #expect(throws: EngineError.self) {
                try producer.publish(line.records(0..<1), offsets: [:], as: membership)
            }
            #expect(error?.retry == .stop)
            line.member.close()
        }
    }

    @Test func whatOnlyAConsumerUnderstandsIsLeftOut() throws {
        let properties = ["session.timeout.ms": "9000", "isolation.level": "read_committed", "linger.ms": "7"]
        #expect(KafkaDefaults.withoutConsumerOnly(properties) == ["linger.ms": "7"])
        #expect(throws: EngineError.self) {
            try KafkaDefaults.merge(
                KafkaDefaults.consumer(brokers: "k:1", group: "g"), ["isolation.level": "read_uncommitted"])
        }
    }

    @Test func theLargestRecordFollowsTheProperty() {
        let factory = KafkaOutputProducerFactory(
            brokers: "k:1", properties: ["message.max.bytes": "3000000"], log: TestCluster.log)
        #expect((2_990_000..<3_000_000).contains(factory.largestRecord(properties: [:])))
        #expect((49_000..<50_000).contains(factory.largestRecord(properties: ["message.max.bytes": "50000"])))
    }
}
