import EgizCore
import EgizKafka
import EgizRuntime
import Testing

@Suite struct QueryTests {
    @Test func watermarksMarksAndCountsAreThoseOfTheLog() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2), ("other", 7)])
            let topic = cluster.topic("t")
            let producer = try cluster.producer()
            for i in 0..<10 {
                try producer.send(topic: topic, partition: 1, key: Array("k\(i)".utf8), value: Array("v\(i)".utf8))
            }
            #expect(producer.flush(timeout: .seconds(20)))
            let member = try cluster.member(["t"])
            let consumer = member.consumer
            let one = TopicPartition(topic, 1)
            // Before the first poll: nothing is assigned, and the log can be asked all the same.
            #expect(
                try consumer.watermarks(of: one)
                    == LogWatermarks(start: NextOffset(stored: 0), end: NextOffset(after: 9)))
            #expect(try consumer.partitionCounts() == [topic: 2])
            #expect(consumer.cachedEnd(of: one) == nil)
            let early = try consumer.mark(at: 4, of: one)

            #expect(poll([member]) { member.records.count >= 10 })
            #expect(consumer.cachedEnd(of: one) == NextOffset(after: 9))
            #expect(early == member.records[4].mark)
            for i in [0, 9] { #expect(try consumer.mark(at: Int64(i), of: one) == member.records[i].mark) }
            #expect(try consumer.mark(at: 10, of: one) == nil)
            #expect(try consumer.mark(at: 0, of: TopicPartition(topic, 0)) == nil)
            #expect(try consumer.mark(at: -1, of: one) == nil)
            member.close()
            #expect(throws: EngineError.self) { try consumer.watermarks(of: one) }
            producer.close(timeout: .seconds(1))
        }
    }

    @Test func twoEmbeddedBrokersAreTwoLogs() async throws {
        try await blocking {
            let brokers = try (0..<2).map { _ in try EmbeddedBroker(topics: [("t", 1)], port: nil, log: TestCluster.log)
            }
            let identities = try brokers.map { broker in
                let member = try GroupMember(brokers: broker.bootstrap, group: "g", topics: ["t"])
                defer { member.close() }
                return try member.consumer.identity()
            }
            #expect(identities.map(\.embeddedLog) == brokers.map { Optional($0.logID) })
            #expect(!identities[0].isSameLog(as: identities[1]))
            #expect(identities[0].isSameLog(as: identities[0]))
        }
    }

    @Test func keysGoToThePartitionThatTheEngineComputes() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 12)])
            let producer = try cluster.producer()
            var keys = (0..<2000).map { "org.eclipse.ditto:machine-\($0 * 7919)" }
            keys += ["a", "ab", "abc", "abcd", "ä", "東京:機械", String(repeating: "x", count: 300)]
            for key in keys { try producer.send(topic: cluster.topic("t"), key: Array(key.utf8), value: [1]) }
            #expect(producer.flush(timeout: .seconds(20)))
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.records.count >= keys.count })
            let wrong = member.records.filter { $0.partition != Murmur2.partition(ofKey: $0.key ?? "", partitions: 12) }
            #expect(wrong.isEmpty)
            #expect(Set(member.records.map(\.partition)).count == 12)
            member.close()
        }
    }
}
