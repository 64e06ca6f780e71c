import EgizCore
import EgizKafka
import EgizRuntime
import Testing

@Suite struct PositionTests {
    private static func fill(_ cluster: TestCluster, _ topic: String, partitions: Int32, each: Int) throws {
        let producer = try cluster.producer()
        for partition in 0..<partitions {
            for i in 0..<each {
                try producer.send(
                    topic: cluster.topic(topic), partition: partition, value: Array("\(partition)/\(i)".utf8))
            }
        }
        #expect(producer.flush(timeout: .seconds(20)))
        producer.close(timeout: .seconds(1))
    }

    @Test func readingStartsExactlyAtTheGivenOffset() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 3)])
            try Self.fill(cluster, "t", partitions: 3, each: 10)
            let starts: [Int32: NextOffset] = [
                0: NextOffset(after: 3), 1: NextOffset(stored: 0), 2: NextOffset(after: 9),
            ]
            let member = try cluster.member(["t"]) { partitions in
                Dictionary(uniqueKeysWithValues: partitions.compactMap { p in starts[p.partition].map { (p, $0) } })
            }
            #expect(poll([member]) { member.records.count >= 16 })
            // Nothing of partition 2 is left; a record sent now is the first one it gives.
            let producer = try cluster.producer()
            try producer.send(topic: cluster.topic("t"), partition: 2, value: Array("2/10".utf8))
            #expect(poll([member]) { member.records.count >= 17 })
            #expect(member.records.filter { $0.partition == 0 }.map(\.offset) == Array(4...9))
            #expect(member.records.filter { $0.partition == 1 }.map(\.offset) == Array(0...9))
            #expect(member.records.filter { $0.partition == 2 }.map(\.offset) == [10])
            member.close()
            producer.close(timeout: .seconds(1))
        }
    }

    @Test func aPartitionLeftOutIsReadOnlyAfterSeekAndResume() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            try Self.fill(cluster, "t", partitions: 2, each: 10)
            let left = TopicPartition(cluster.topic("t"), 1)
            let member = try cluster.member(["t"]) { partitions in
                Dictionary(uniqueKeysWithValues: partitions.filter { $0 != left }.map { ($0, NextOffset(stored: 0)) })
            }
            #expect(poll([member]) { member.records.count >= 10 })
            // New records on it are not read either; a marker on the other partition says that time has passed.
            try Self.fill(cluster, "t", partitions: 2, each: 5)
            #expect(poll([member]) { member.records.count >= 15 })
            #expect(member.records.allSatisfy { $0.partition == 0 })
            #expect(member.owned.contains(left))
            try member.consumer.seek(left, to: NextOffset(after: 5))
            try member.consumer.resume([left])
            #expect(poll([member]) { member.records.count >= 24 })
            #expect(member.records.filter { $0.partition == 1 }.map(\.offset) == Array(6...14))
            member.close()
        }
    }

    @Test func seekGoesBackExactlyAndPauseHolds() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            try Self.fill(cluster, "t", partitions: 2, each: 20)
            let zero = TopicPartition(cluster.topic("t"), 0)
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.records.count >= 40 })
            member.records.removeAll()
            try member.consumer.seek(zero, to: NextOffset(after: 6))
            #expect(poll([member]) { member.records.count >= 13 })
            #expect(member.records.map(\.offset) == Array(7...19))

            member.records.removeAll()
            try member.consumer.pause([zero])
            try Self.fill(cluster, "t", partitions: 2, each: 5)
            #expect(poll([member]) { member.records.filter { $0.partition == 1 }.count >= 5 })
            #expect(member.records.filter { $0.partition == 0 }.isEmpty)
            try member.consumer.resume([zero])
            #expect(poll([member]) { member.records.filter { $0.partition == 0 }.count >= 5 })
            #expect(member.records.filter { $0.partition == 0 }.map(\.offset) == Array(20...24))
            member.close()
        }
    }

    @Test func aPositionBeyondTheEndIsAGap() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            try Self.fill(cluster, "t", partitions: 1, each: 10)
            let member = try cluster.member(["t"]) { partitions in
                Dictionary(uniqueKeysWithValues: partitions.map { ($0, NextOffset(stored: 500)) })
            }
            #expect(poll([member]) { !member.errors.isEmpty })
            let error = try #require(member.errors.first)
            #expect(error.code == .gap && error.retry == .stop)
            #expect(error.message.contains(cluster.topic("t")) && error.message.contains("partition 0"))
            #expect(error.message.contains("onGap"))
            #expect(member.records.isEmpty)
            member.close()
        }
    }

    @Test(.disabled(if: TestCluster.external != nil, "needs the embedded broker's 5 MiB limit"))
    func aPositionBelowTheStartIsAGap() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let producer = try cluster.producer(["compression.type": "none"])
            let value = [UInt8](repeating: 66, count: 100_000)
            for _ in 0..<100 { try producer.send(topic: cluster.topic("t"), value: value) }
            #expect(producer.flush(timeout: .seconds(20)))
            let member = try cluster.member(["t"])
            #expect(poll([member]) { !member.errors.isEmpty })
            #expect(member.errors.first?.code == .gap)
            #expect(member.records.isEmpty)
            let start = try member.consumer.watermarks(of: TopicPartition(cluster.topic("t"), 0)).start
            #expect(start.raw > 0)
            member.close()
        }
    }
}

extension PositionTests {
    /// Also behind what no poll hands over: on a real broker a transaction ends with a mark, which takes an offset.
    @Test func theEndOfAPartitionIsToldAsAReaderMeetsIt() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            let member = try cluster.member(["t"])
            #expect(poll([member]) { member.owned.count == 2 })
            let output = try KafkaOutputProducerFactory(brokers: cluster.brokers, log: TestCluster.log)
                .openOutput(transactionalID: "t-\(cluster.suffix)", properties: [:])
            try output.initialize()
            let records = (0..<40).map { n in
                OutputRecord(
                    topic: cluster.topic("t"), key: Array("k\(n)".utf8), value: Array("v\(n)".utf8), headers: [],
                    id: "\(n)", time: 1_700_000_000_000_000)
            }
            let membership = try member.consumer.membership()
            guard case .published = try output.publish(records, offsets: [:], as: membership) else {
                Issue.record("not published")
                return
            }
            #expect(poll([member]) { member.records.count == 40 })
            let partitions = (0..<2).map { TopicPartition(cluster.topic("t"), Int32($0)) }
            let ends = try member.consumer.watermarks(of: partitions)
            #expect(
                poll([member]) { partitions.allSatisfy { member.consumer.readThrough($0) == ends[$0]?.end } },
                "\(partitions.map { member.consumer.readThrough($0)?.raw ?? -1 })")
            // Elsewhere it is not known before it is met again.
            try member.consumer.seek(partitions[0], to: NextOffset(stored: 0))
            #expect(member.consumer.readThrough(partitions[0]) == nil)
            #expect(member.consumer.readThrough(partitions[1]) == ends[partitions[1]]?.end)
            #expect(poll([member]) { member.consumer.readThrough(partitions[0]) == ends[partitions[0]]?.end })
            output.close()
            member.close()
        }
    }
}
