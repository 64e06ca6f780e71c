import EgizKafka
import Testing

@Suite struct PropertyNamesTests {
    @Test(arguments: [
        "security.protocol", "sasl.password", "sasl.mechanism", "sasl.mechanisms", "ssl.ca.location",
        "fetch.wait.max.ms",
        "linger.ms", "queue.buffering.max.ms", "compression.type", "acks", "max.partition.fetch.bytes", "client.rack",
        "bootstrap.servers", "auto.offset.reset", "debug", "statistics.interval.ms",
    ])
    func propertiesOfClientsTopicsAndAliasesAreKnown(_ name: String) {
        #expect(KafkaPropertyNames.all.contains(name))
    }

    @Test func onlyNamesAreNames() {
        #expect(KafkaPropertyNames.all.count > 150)
        #expect(
            KafkaPropertyNames.all.allSatisfy { name in
                name.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2E || $0 == 0x5F
                }
            })
        #expect(!KafkaPropertyNames.all.contains("sasl.pasword"))
    }
}
