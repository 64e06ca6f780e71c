import EgizCore
import EgizKafka
import EgizRuntime
import Foundation
import Testing

@Suite struct RebalanceTests {
    @Test func twoMembersShareAndOneLeavingHandsOver() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 4)])
            let producer = try cluster.producer()
            let all = Set((0..<4).map { TopicPartition(cluster.topic("t"), $0) })
            func produce(_ n: Int) throws {
                for i in 0..<n { try producer.send(topic: cluster.topic("t"), partition: Int32(i % 4), value: [65]) }
            }
            try produce(4000)
            let first = try cluster.member(["t"])
            #expect(poll([first]) { first.owned == all && first.records.count >= 4000 })

            let second = try cluster.member(["t"])
            // Records keep coming while the partitions move.
            #expect(
                poll([first, second]) {
                    (try? produce(40)) != nil && first.owned.count == 2 && second.owned.count == 2
                })
            #expect(first.owned.isDisjoint(with: second.owned))
            #expect(first.owned.union(second.owned) == all)

            let taken = second.owned.sorted()
            second.close()
            #expect(second.events.last == .revoked(taken, lost: false))
            #expect(poll([first]) { first.owned == all })
            #expect(first.strays == 0 && second.strays == 0)
            let revokes = first.events.filter { if case .revoked = $0 { true } else { false } }
            #expect(!revokes.isEmpty)
            first.close()
            #expect(first.owned.isEmpty)
            first.close()
            producer.close(timeout: .seconds(1))
        }
    }

    @Test func theListenerIsCalledOnThePollingThread() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 1)])
            let member = try cluster.member(["t"])
            #expect(poll([member]) { !member.owned.isEmpty })
            member.close()
            #expect(member.events.count == 2)
            #expect(member.listenerThreads == [UInt(bitPattern: ObjectIdentifier(Thread.current).hashValue)])
        }
    }

    @Test func aMemberThatWasSilentTooLongHearsThatItsPartitionsAreLost() async throws {
        try await blocking {
            let cluster = try TestCluster([("t", 2)])
            let member = try GroupMember(
                brokers: cluster.brokers, group: "lost-\(cluster.suffix)", topics: [cluster.topic("t")],
                properties: ["max.poll.interval.ms": "4000"])
            #expect(poll([member]) { member.owned.count == 2 })
            // Not polling is the very thing under test; the clock of the client decides, there is no event to wait for.
            Thread.sleep(forTimeInterval: 5)
            #expect(
                poll([member]) {
                    member.events.contains { if case .revoked(_, lost: true) = $0 { true } else { false } }
                })
            #expect(poll([member]) { member.owned.count == 2 })
            #expect(member.errors.isEmpty)
            member.close()
        }
    }

    @Test func anotherLogAtTheSameAddressIsAnotherAssignment() async throws {
        try await blocking {
            let port = try TestPorts.free()
            func fill(_ broker: EmbeddedBroker, _ text: String, _ count: Int) throws {
                let producer = try KafkaProducer(brokers: broker.bootstrap, log: TestCluster.log)
                for i in 0..<count { try producer.send(topic: "t", partition: 0, value: Array("\(text)\(i)".utf8)) }
                #expect(producer.flush(timeout: .seconds(20)))
                producer.close(timeout: .seconds(1))
            }
            let old = try EmbeddedBroker(topics: [("t", 1)], port: port, log: TestCluster.log)
            try fill(old, "old", 100)
            var next = NextOffset(stored: 0)
            let member = try GroupMember(brokers: old.bootstrap, group: "g", topics: ["t"]) { partitions in
                Dictionary(uniqueKeysWithValues: partitions.map { ($0, next) })
            }
            #expect(poll([member]) { member.records.count == 100 })
            let identity = try member.consumer.identity()
            next = NextOffset(after: 49)
            old.stop()
            let new = try EmbeddedBroker(topics: [("t", 1)], port: port, log: TestCluster.log)
            // Longer than the old one: reading on at the old position would find records.
            try fill(new, "new", 200)
            #expect(new.bootstrap == old.bootstrap)
            #expect(poll([member]) { member.records.contains { $0.value?.hasPrefix("new") == true } })
            let fresh = member.records.filter { $0.value?.hasPrefix("new") == true }
            #expect(fresh.allSatisfy { $0.assignment >= 2 })
            #expect(fresh.first?.offset == 50)
            #expect(try !member.consumer.identity().isSameLog(as: identity))
            member.close()
            new.stop()
        }
    }
}
