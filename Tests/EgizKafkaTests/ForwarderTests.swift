import EgizCore
import EgizRuntime
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import EgizKafka

@Suite struct ForwarderTests {
    @Test func garbageDoesNotHarmTheBroker() async throws {
        try await blocking {
            let port = try TestPorts.free()
            let broker = try EmbeddedBroker(topics: [("t", 1)], port: port, log: TestCluster.log)
            var random = SeededGenerator(seed: 42)
            for round in 0..<200 {
                let client = try BlockingSocket(port: port)
                var bytes = (0..<Int.random(in: 1...3000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                // Half of them look like a Kafka frame at first: a plausible length, then noise.
                if round % 2 == 0, bytes.count > 4 {
                    (bytes[0], bytes[1], bytes[2], bytes[3]) = (
                        0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)
                    )
                }
                client.write(bytes)
                switch round % 3 {
                case 0: client.endWriting()
                case 1: client.reset()
                default: break
                }
                client.close()
            }
            let producer = try KafkaProducer(brokers: broker.bootstrap, log: TestCluster.log)
            try producer.send(topic: "t", value: [1])
            #expect(producer.flush(timeout: .seconds(20)))
            #expect(producer.deliveries.delivered == 1)
            producer.close(timeout: .seconds(1))
            broker.stop()
        }
    }

    @Test func bytesPassUnchangedAndAnEndedStreamStillGetsItsAnswer() async throws {
        try await blocking {
            let server = try EchoServer()
            let forwarder = try BootstrapForwarder(port: 0, target: server.port, log: TestCluster.log)
            var random = SeededGenerator(seed: 7)
            // Larger than every buffer on the way: the answer comes only after the whole question.
            let question = (0..<2_000_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            let client = try BlockingSocket(port: forwarder.port)
            client.write(question)
            client.endWriting()
            #expect(client.readAll() == question)
            client.close()
            forwarder.stop()
            forwarder.stop()
            server.stop()
        }
    }

    @Test func manyConnectionsAreServedAtOnce() async throws {
        try await blocking {
            let server = try EchoServer()
            let forwarder = try BootstrapForwarder(port: 0, target: server.port, log: TestCluster.log)
            let clients = try (0..<100).map { _ in try BlockingSocket(port: forwarder.port) }
            for (i, client) in clients.enumerated() {
                client.write([UInt8](repeating: UInt8(i), count: 1000))
                client.endWriting()
            }
            for (i, client) in clients.enumerated().reversed() {
                #expect(client.readAll() == [UInt8](repeating: UInt8(i), count: 1000))
                client.close()
            }
            forwarder.stop()
            server.stop()
        }
    }

    @Test func aTargetThatIsAwayEndsTheConnection() async throws {
        try await blocking {
            let forwarder = try BootstrapForwarder(port: 0, target: TestPorts.free(), log: TestCluster.log)
            let client = try BlockingSocket(port: forwarder.port)
            client.write([1, 2, 3])
            #expect(client.readAll() == [])
            client.close()
            forwarder.stop()
        }
    }

    @Test func aPortInUseIsToldAndTheBrokerAnswersElsewhere() async throws {
        try await blocking {
            let taken = try LoopbackSocket.listen(port: 0)
            let broker = try EmbeddedBroker(topics: [("t", 1)], port: taken.port, log: TestCluster.log)
            #expect(broker.portNotice?.contains("\(taken.port)") == true)
            #expect(broker.bootstrap != "127.0.0.1:\(taken.port)")
            let report = try KafkaTopics(brokers: broker.bootstrap, log: TestCluster.log).ensure([
                .init(name: "t", partitions: 1)
            ])
            #expect(report.partitions == ["t": 1])
            broker.stop()
            close(taken.descriptor)
        }
    }

    @Test func thePortIsFreeAgainAfterAStop() async throws {
        try await blocking {
            let port = try TestPorts.free()
            for _ in 0..<3 {
                let broker = try EmbeddedBroker(topics: [("t", 1)], port: port, log: TestCluster.log)
                #expect(broker.bootstrap == "127.0.0.1:\(port)")
                _ = try KafkaTopics(brokers: broker.bootstrap, log: TestCluster.log).ensure([
                    .init(name: "t", partitions: 1)
                ])
                broker.stop()
            }
        }
    }
}
