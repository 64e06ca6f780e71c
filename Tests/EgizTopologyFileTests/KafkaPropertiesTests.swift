import EgizCore
import EgizProcessors
import EgizTopologyFile
import Testing

@Suite struct KafkaPropertiesTests {
    @Test(arguments: [
        "group.id", "transactional.id", "enable.auto.commit", "auto.offset.reset", "enable.auto.offset.store",
        "partition.assignment.strategy", "bootstrap.servers",
    ])
    func propertiesOfTheEngineAreRefused(_ name: String) {
        let loaded = spec("kafka: { \(name): x }")
        #expect(loaded.topology == nil)
        #expect(loaded.report.hasPrefix("x.yaml:5:12: error: `spec.kafka.\(name)` is set by the engine, remove it: "))
    }

    @Test(arguments: [
        "sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret",
    ])
    func secretsMustComeFromTheEnvironment(_ name: String) {
        let loaded = spec("kafka: { \(name): hunter2 }")
        #expect(loaded.topology == nil)
        #expect(
            loaded.report.contains("`spec.kafka.\(name)` is a secret and must not stand in the file; write \"${KAFKA_"))
        #expect(!loaded.report.contains("hunter2"))
        #expect(spec("kafka: { \(name): 'x${A}' }", environment: ["A": "b"]).topology == nil)

        let good = spec("kafka: { \(name): '${MY_1}' }", environment: ["MY_1": "hunter2"])
        #expect(good.topology?.kafka == [name: "hunter2"])
        #expect(good.topology?.sourceText.contains("hunter2") == false)
    }

    @Test func variablesAreReplacedInValuesOfKafkaOnly() {
        let environment = ["HOST": "node-7", "NAME": "other"]
        #expect(
            spec("kafka: { client.rack: 'rack-${HOST}-$x${HOST}' }", environment: environment).topology?.kafka == [
                "client.rack": "rack-node-7-$xnode-7"
            ])
        #expect(
            load(Fixture(metadata: "metadata: { name: line, description: '${NAME}' }").text, environment: environment)
                .topology?.description == "${NAME}")
    }

    @Test(arguments: [
        ("'${MISSING}'", "the environment variable MISSING is not set"),
        ("'${A'", "a `${` has no `}`"),
        ("'${}'", "found `${…}` without a variable's name"),
        ("'${1A}'", "found `${…}` without a variable's name"),
        ("'${A-B}'", "found `${…}` without a variable's name"),
        ("", "found nothing, expected a text, a number, true or false"),
        ("[a]", "found a list, expected a text"),
    ])
    func aValueThatCannotBeReadIsAFault(_ value: String, _ message: String) {
        let loaded = spec("kafka: { client.rack: \(value) }")
        #expect(loaded.topology == nil)
        #expect(loaded.report.contains(message), "\(loaded.report)")
        #expect(loaded.faults.count == 1)
    }

    @Test func valuesKeepTheTextTheyWereWrittenWith() {
        let loaded = spec(
            "kafka: { a: 1.50, b: 0644, c: 1e3, d: TRUE, e: 12345678901234567890, f: '07', g: -1, h: 0.5, i: yes }")
        #expect(
            loaded.topology?.kafka == [
                "a": "1.50", "b": "0644", "c": "1e3", "d": "true", "e": "12345678901234567890", "f": "07", "g": "-1",
                "h": "0.5", "i": "yes",
            ])
    }

    @Test func aNameThatIsNoPropertyIsRefused() {
        #expect(
            spec("kafka: { 'Security Protocol': x }").report.contains(
                "found \"Security Protocol\", expected a librdkafka property"))
    }

    @Test func aPropertyThatLibrdkafkaDoesNotKnowIsWarnedOfWithTheNearestWord() {
        let loader = TopologyLoader(
            registry: .builtin, kafkaProperties: ["client.rack", "sasl.username", "security.protocol"])
        let text = Fixture(
            spec: "  kafka: { client.rack: a, security.protcol: ssl, something.else: 1 }\n"
        ).text
        let loaded = loader.load(text: text, file: "x.yaml")
        #expect(loaded.topology != nil)
        #expect(
            loaded.report == """
                x.yaml:5:28: warning: `spec.kafka.security.protcol`: librdkafka knows no such property; did you mean `security.protocol`?
                x.yaml:5:51: warning: `spec.kafka.something.else`: librdkafka knows no such property

                """)
    }

    @Test func withoutAListNoPropertyIsUnknown() {
        #expect(spec("kafka: { something.else: 1 }").report.isEmpty)
    }
}
