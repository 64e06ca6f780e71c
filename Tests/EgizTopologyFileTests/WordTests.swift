import EgizCore
import EgizTopologyFile
import Testing

@Suite struct WordTests {
    @Test(arguments: [
        (
            "topics: [a], format: ditto, start: soon",
            "`sources.events.start`: found \"soon\", expected `earliest` or `latest`"
        ),
        ("topics: [a], format: ditto, start: eraliest", "did you mean `earliest`?"),
        (
            "topics: [a], format: ditto, onGap: ignore",
            "`sources.events.onGap`: found \"ignore\", expected `fail` or `report`"
        ),
        (
            "topics: [a], format: ditto, onError: parked",
            "`sources.events.onError`: found \"parked\", expected `deadLetter` or `park`"
        ),
        ("topics: [a], format: ditto, idle: 5", "a bare number has no unit, write \"5s\" for seconds"),
        ("topics: [a], format: ditto, idle: 5 s", "found \"5 s\", expected a duration"),
        ("topics: [a], format: ditto, idle: 1ms", "found \"1ms\", expected a duration"),
        ("topics: [a], format: ditto, idle: 99999999999999999d", "expected a duration"),
        (
            "topics: [a], format: 5",
            "`sources.events.format`: found the number 5, expected `ditto`, `telemetry` or `json`"
        ),
        ("topics: [a], format:", "`sources.events.format`: found nothing, expected"),
        ("topics: a, format: ditto", "`sources.events.topics`: found \"a\", expected a list of topics; write `[a]`"),
        ("topics: [], format: ditto", "`sources.events.topics` is empty, expected at least one topic"),
        ("topics: ['.'], format: ditto", "`sources.events.topics`: found \".\", expected a Kafka topic name"),
        ("topics: ['ä'], format: ditto", "found \"ä\", expected a Kafka topic name"),
        ("topics: [[a]], format: ditto", "found a list, expected a Kafka topic name"),
        ("topics: [{ partitions: 1 }], format: ditto", "`sources.events.topics` has no `name`"),
        (
            "topics: [{ name: a, partitions: 0 }], format: ditto",
            "found the number 0, expected a whole number from 1 to 10000"
        ),
        ("topics: [{ name: a, partitions: 10001 }], format: ditto", "found the number 10001, expected"),
        ("topics: [{ name: a, partitions: '4' }], format: ditto", "found \"4\", expected a whole number"),
        (
            "topics: [{ name: a, partition: 4 }], format: ditto",
            "unknown word `partition` in `sources.events.topics`, expected `name`, `partitions` or `config`; did you mean `partitions`?"
        ),
        (
            "topics: [{ name: a, config: { retention.ms: [1] } }], format: ditto",
            "`sources.events.topics.config.retention.ms`: found a list"
        ),
        (
            "topics: [{ name: a, config: 5 }], format: ditto",
            "`sources.events.topics.config`: found the number 5, expected a map"
        ),
        (
            "topics: [{ name: a, config: { Retention: 1 } }], format: ditto",
            "found \"Retention\", expected a Kafka topic setting"
        ),
        ("topics: [a, b, a], format: ditto", "the topic \"a\" stands twice, first in line 6"),
        (
            "topics: [{ name: a, partitions: 4 }, { name: b, partitions: 8 }], format: ditto",
            "\"b\" declares 8 partitions, \"a\" 4 partitions; the topics of one source must declare equal partitions"
        ),
        (
            "topics: [{ name: a, partitions: 4 }, b], format: ditto",
            "\"b\" declares no partition count, \"a\" 4 partitions"
        ),
        ("topic: [a], topics: [a], format: ditto", "unknown word `topic` in `sources.events`"),
    ])
    func aSourcesWrongWordSaysWhatIsExpected(_ words: String, _ message: String) {
        let loaded = source(words)
        #expect(loaded.topology == nil)
        #expect(loaded.faults.filter { $0.severity == .error }.count == 1, "\(loaded.report)")
        #expect(loaded.report.contains(message), "\(loaded.report)")
    }

    @Test(arguments: [
        ("delivery: twice", "`spec.delivery`: found \"twice\", expected `exactly_once` or `at_least_once`"),
        ("parallelism: 0", "found the number 0, expected a whole number from 1 to 64"),
        ("parallelism: 1.5", "found the number 1.5, expected a whole number"),
        ("parallelism: true", "found the boolean true, expected a whole number"),
        ("commit: 100ms", "`spec.commit`: found \"100ms\", expected a map"),
        ("commit: { maxRecords: 0 }", "found the number 0, expected a whole number from 1 to 1000000"),
        ("commit: { maxBytes: 64MB }", "found \"64MB\", expected a size such as \"64MiB\""),
        ("commit: { maxBytes: 1048576 }", "a bare number has no unit, write \"1048576B\" for bytes"),
        ("commit: { maxBytes: 1KiB }", "expected a size such as \"64MiB\", \"1KiB\" or \"2GiB\" from 64KiB to 4GiB"),
        ("commit: { intervall: 1s }", "did you mean `interval`?"),
        ("kafka: []", "`spec.kafka`: found a list, expected a map of librdkafka properties"),
        ("comit: {}", "unknown word `comit` in `spec`"),
    ])
    func aWrongWordOfTheSpecSaysWhatIsExpected(_ words: String, _ message: String) {
        let loaded = spec(words)
        #expect(loaded.topology == nil)
        #expect(loaded.faults.count == 1, "\(loaded.report)")
        #expect(loaded.places.first?.hasPrefix("5:") == true)
        #expect(loaded.report.contains(message), "\(loaded.report)")
    }

    @Test(arguments: [
        ("kind: history-writer, from: twins, include: [features]", "found \"features\", expected a path pattern"),
        ("kind: history-writer, from: twins, include: [/a//b]", "found \"/a//b\", expected a path pattern"),
        ("kind: history-writer, from: twins, include: [5]", "found the number 5, expected a path pattern"),
        (
            "kind: history-writer, from: twins, include: { a: b }",
            "`processors.h.include`: found a map, expected a list of path patterns"
        ),
        ("kind: history-writer, from: twins, onlyChanges: 1", "found the number 1, expected true or false"),
        ("kind: history-writer, from: twins, onlyChanges: on", "write `true`"),
        (
            "kind: history-writer, from: twins, includes: []",
            "unknown word `includes` in `processors.h`, expected `kind`, `from`, `onError`, `include`, `exclude`, `onlyChanges` or `retention`; did you mean `include`?"
        ),
        (
            "kind: web-hook, from: twins, rules: [], to: x",
            "unknown kind \"web-hook\", expected `twin-projector`, `history-writer`, `rollup`, `binding-evaluator`, `alert-rule`, `type-schema`, `filter`, `map`, `export`, `rekey`, `dead-letter-handler`, `webhook`, `ml-fan-out`, `ml-caller` or `prediction-writer`"
        ),
        (
            "kind: 5, from: twins",
            "`processors.h.kind`: found the number 5, expected `twin-projector`, `history-writer`, `rollup`, `binding-evaluator`, `alert-rule`, `type-schema`, `filter`, `map`, `export`, `rekey`, `dead-letter-handler`, `webhook`, `ml-fan-out`, `ml-caller` or `prediction-writer`"
        ),
        ("kind: history-writer, from: [twins]", "`processors.h.from`: found a list, expected a name"),
        ("kind: history-writer", "`processors.h` has no `from`"),
    ])
    func aProcessorsWrongWordSaysWhatIsExpected(_ words: String, _ message: String) {
        var fixture = Fixture()
        fixture.processors += "\n    h: { \(words) }"
        let loaded = fixture.loaded
        #expect(loaded.topology == nil)
        #expect(loaded.faults.count == 1, "\(loaded.report)")
        #expect(loaded.report.contains(message), "\(loaded.report)")
    }

    @Test(arguments: ["Line", "1line", "-line", "li_ne", "li.ne", "línea", String(repeating: "a", count: 64), "''"])
    func namesThatCannotBeAGroupsNameAreRefused(_ name: String) {
        #expect(
            Fixture(metadata: "metadata: { name: \(name) }").loaded.report.contains(
                "x.yaml:3:19: error: `metadata.name`"))
        let loaded = Fixture(processors: "    \(name): { kind: twin-projector, from: events }").loaded
        #expect(loaded.report.contains("error: `spec.processors`: found the name"), "\(loaded.report)")
    }

    @Test func aNameOf63CharactersIsAllowed() {
        let name = "a" + String(repeating: "1", count: 61) + "-"
        #expect(Fixture(metadata: "metadata: { name: \(name) }").loaded.topology?.name == name)
    }

    @Test func sectionsOfAnotherShapeAreRefused() {
        #expect(load("apiVersion: egiz/v1\nkind: Topology\nmetadata: line\nspec: []\n").places == ["3:11", "4:7"])
        #expect(
            Fixture(sources: "    - a").loaded.messages.contains(
                "`spec.sources`: found a list, expected a map of names"))
        #expect(
            Fixture(sources: "    {}", processors: "    {}").loaded.messages == [
                "`spec.sources` is empty, expected at least one source"
            ])
        #expect(
            Fixture(processors: "    twins: events").loaded.messages.contains(
                "`processors.twins`: found \"events\", expected a map with `kind` and `from`"))
        #expect(
            Fixture(metadata: "metadata: { name: line, description: 5 }").loaded.messages.first?.hasSuffix(
                "put it in quotes") == true)
    }

    @Test(
        arguments: [
            ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("90d", 7_776_000_000), ("0s", 0),
        ] as [(String, Int64)])
    func durationsAreReadAndWritten(_ text: String, _ milliseconds: Int64) {
        #expect(DurationText.milliseconds(text) == milliseconds)
        #expect(DurationText.text(milliseconds: milliseconds) == (text == "90d" ? "90d" : text))
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "1.5s", "5 s", "5S", "5min", "1h30m", "9223372036854775807d", "99999999999999999999s",
        "٥s",
    ])
    func whatIsNoDurationIsRefused(_ text: String) { #expect(DurationText.milliseconds(text) == nil) }

    @Test(
        arguments: [("512B", 512), ("1KiB", 1024), ("64MiB", 64 << 20), ("2GiB", 2 << 30), ("0B", 0)]
            as [(String, Int64)])
    func sizesAreReadAndWritten(_ text: String, _ bytes: Int64) {
        #expect(SizeText.bytes(text) == bytes)
        #expect(SizeText.text(bytes: bytes) == text)
    }

    @Test(arguments: ["", "5", "64MB", "64mib", "64M", "-1B", "1.5GiB", "9223372036854775807GiB"])
    func whatIsNoSizeIsRefused(_ text: String) { #expect(SizeText.bytes(text) == nil) }
}
