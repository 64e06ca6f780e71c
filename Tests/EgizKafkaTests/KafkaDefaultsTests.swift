import EgizCore
import Testing

@testable import EgizKafka

@Suite struct KafkaDefaultsTests {
    @Test func theUsersPropertiesWin() throws {
        let all = try KafkaDefaults.merge(
            KafkaDefaults.consumer(brokers: "kafka:9092", group: "g"), ["session.timeout.ms": "2000", "client.id": "x"])
        #expect(all["session.timeout.ms"] == "2000")
        #expect(all["client.id"] == "x")
        #expect(all["heartbeat.interval.ms"] == "666")
        #expect(all["fetch.wait.max.ms"] == "100")
    }

    @Test func theEngineKeepsWhatItsContractsRestOn() {
        for (name, value) in [("enable.auto.commit", "true"), ("auto.offset.reset", "latest"), ("group.id", "mine")] {
            #expect(throws: EngineError.self) {
                try KafkaDefaults.merge(KafkaDefaults.consumer(brokers: "k:1", group: "g"), [name: value])
            }
        }
    }

    @Test func anUnknownPropertyIsNamedAndItsValueIsNot() {
        do {
            _ = try KafkaConsumer(
                brokers: "127.0.0.1:1", group: "g", topics: ["t"], properties: ["sasl.pasword": "hunter2"],
                log: TestCluster.log)
            Issue.record("the property was accepted")
        } catch {
            #expect(error.code == .config && error.retry == .stop)
            #expect(error.message.contains("sasl.pasword") && !error.message.contains("hunter2"))
        }
    }

    @Test func cooperativeStickyNeedsALibraryThatCanDoIt() {
        guard !KafkaVersion.isAtLeast(2, 10, 0) else { return }
        #expect(throws: EngineError.self) {
            try KafkaConsumer(
                brokers: "127.0.0.1:1", group: "g", topics: ["t"],
                properties: ["partition.assignment.strategy": "cooperative-sticky"], log: TestCluster.log)
        }
    }

    @Test func loopbackIsRecognised() {
        #expect(KafkaDefaults.isLoopback("127.0.0.1:9092"))
        #expect(KafkaDefaults.isLoopback("localhost:9092,127.0.0.1:1"))
        #expect(!KafkaDefaults.isLoopback("127.0.0.1:9092,kafka:9092"))
        #expect(!KafkaDefaults.isLoopback("localhost.example.com:9092"))
        #expect(!KafkaDefaults.isLoopback(""))
    }

    @Test func millisecondsAreRoundedUpAndClamped() {
        #expect(Duration.zero.milliseconds32 == 0)
        #expect(Duration.microseconds(1).milliseconds32 == 1)
        #expect(Duration.milliseconds(1500).milliseconds32 == 1500)
        #expect(Duration.seconds(-3).milliseconds32 == 0)
        #expect(Duration.seconds(1_000_000_000_000).milliseconds32 == 2_000_000_000)
    }

    @Test func aRateGateCountsWhatItHoldsBack() {
        var gate = RateGate(interval: .seconds(30))
        let start = ContinuousClock.now
        #expect(gate.pass(at: start) == 0)
        #expect(gate.pass(at: start + .seconds(1)) == nil)
        #expect(gate.pass(at: start + .seconds(29)) == nil)
        #expect(gate.pass(at: start + .seconds(30)) == 2)
        #expect(gate.pass(at: start + .seconds(61)) == 0)
    }
}
