import EgizCore
import EgizTopologyFile
import Testing

@Suite struct YAMLTests {
    @Test(arguments: [
        ("apiVersion: [\n", "not valid YAML"),
        ("a: b: c", "x.yaml:1:5: error: not valid YAML: mapping values are not allowed"),
        ("a:\n\t- b", "x.yaml:2:1: error: not valid YAML: found character that cannot start any token"),
        ("\"a", "not valid YAML: found unexpected end of stream"),
        ("a: \u{1}", "x.yaml:1:4: error: not valid YAML: the control character U+0001 is not allowed"),
        ("a: \u{0}b", "x.yaml:1:4: error: not valid YAML: the control character U+0000 is not allowed"),
        ("a: *nothing", "x.yaml:1:4: error: the alias `*nothing` has no anchor `&nothing` before it"),
        ("a: &a [*a]", "x.yaml:1:8: error: the alias `*a` has no anchor `&a` before it"),
        ("a: !!binary aGk=", "the tag `tag:yaml.org,2002:binary` is not supported"),
        ("a: !mine {}", "the tag `!mine` is not supported"),
        ("? [a]\n: b", "found a key that is a list, a map or an alias, expected a word"),
        ("%YAML 3.0\n---\na: b", "not valid YAML: found incompatible YAML document"),
    ])
    func brokenYamlSaysWhereItBreaks(_ text: String, _ message: String) {
        let loaded = load(text)
        #expect(loaded.topology == nil)
        #expect(loaded.report.contains(message), "\(loaded.report)")
    }

    @Test func everyRepeatedKeyIsFoundAtItsSecondPlace() {
        let loaded = load(
            """
            apiVersion: egiz/v1
            "kind": Topology
            kind: Topology
            metadata: { name: line, name: other, name: third }
            spec:
              sources:
                events: { topics: [a], format: ditto, format: json }
              processors:
                twins: { kind: twin-projector, from: events }
            """)
        #expect(loaded.places == ["3:1", "4:25", "4:38", "7:43"])
        #expect(loaded.messages.allSatisfy { $0.contains("stands twice in one map, first in line") })
        #expect(loaded.messages.dropFirst(2).first?.contains("`name`") == true)
    }

    @Test func aSecondDocumentIsRefusedAndTheFirstStillRead() {
        let loaded = load(Fixture(spec: "  parallelism: 0\n").text + "---\nkind: Topology\n")
        #expect(loaded.faults.count == 2, "\(loaded.report)")
        #expect(loaded.messages.last?.contains("a second document begins here") == true)
        #expect(loaded.places == ["5:16", "13:1"])
        #expect(load("---\n" + Fixture().text + "...\n").report == "")
    }

    @Test func anchorsAliasesAndMergesWork() throws {
        let loaded = load(
            Fixture(
                sources: """
                        events: &common
                          topics: [&t { name: events.v1, partitions: 4 }]
                          format: ditto
                          idle: 7s
                        other:
                          <<: *common
                          topics: [{ <<: *t, name: other.v1 }]
                    """,
                processors: """
                        twins: { kind: twin-projector, from: events }
                        more: { kind: twin-projector, from: other }
                    """
            ).text)
        #expect(loaded.report == "")
        let source = try #require(loaded.topology?.sources.last)
        #expect(source.idle == .seconds(7))
        #expect(source.topics.map(\.name) == ["other.v1"])
        #expect(source.topics[0].partitions == 4)
    }

    @Test func starsThatAreNoAliasesStayWhatTheyAre() throws {
        var fixture = Fixture()
        fixture.metadata = "metadata: { name: line, description: \"*a &b /*c d*e\" } # *comment"
        fixture.processors += "\n    h: { kind: history-writer, from: twins, include: [/features/*x/**, '/*y', /a*b] }"
        let topology = try #require(fixture.loaded.topology)
        #expect(topology.description == "*a &b /*c d*e")
        #expect(
            try SettingsReader(topology.processors[1]).patterns("include").map(\.text) == [
                "/features/*x/**", "/*y", "/a*b",
            ])
    }

    @Test func aBombOfAliasesIsRefusedQuickly() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        let clock = ContinuousClock()
        let start = clock.now
        let loaded = load(text)
        let keyed = load(text + "? *a40\n: b\n? {*a40 : c}\n: d\n")
        #expect(clock.now - start < .seconds(60))
        #expect(loaded.report.contains("the file holds more than 50000 values"))
        #expect(keyed.topology == nil)
    }

    @Test(arguments: [
        ("[", 100_000), ("- ", 100_000), ("{a: ", 100_000), ("? ", 100_000), ("{ ? ", 100_000), ("[", 300),
    ])
    func deepNestingIsRefused(_ piece: String, _ levels: Int) {
        let text = String(repeating: piece, count: levels) + String(repeating: "]", count: levels < 1000 ? levels : 0)
        let loaded = load(text)
        #expect(loaded.topology == nil)
        #expect(!loaded.report.isEmpty)
    }

    /// One mebibyte of the same thing over and over must not take minutes.
    @Test(arguments: ["names", "chain", "topics", "keys", "unknown", "braces"])
    func hugeFilesAreAnsweredQuickly(_ shape: String) {
        func many(_ count: Int, _ line: (Int) -> String) -> String { (0..<count).map(line).joined(separator: "\n") }
        let text: String
        switch shape {
        case "names":
            text = Fixture(processors: many(3_000) { "    p\($0): { kind: twin-projector, from: q\($0) }" }).text
        case "chain":
            text =
                Fixture(
                    processors: many(3_000) { "    p\($0): { kind: history-writer, from: p\(($0 + 1) % 3_000) }" }
                ).text
        case "topics":
            text = Fixture(sources: "    events: { format: ditto, topics: [\(many(10_000) { "t\($0)," })] }").text
        case "keys": text = many(4_000) { "key\($0 % 2_000): x" }
        case "unknown":
            text = Fixture(processors: "    p: { kind: x, from: events,\n\(many(20_000) { "    k\($0): 1," }) }").text
        default:
            text =
                Fixture(
                    processors: "    p: " + String(repeating: "{ a: ", count: 900) + String(repeating: "}", count: 900)
                ).text
        }
        let clock = ContinuousClock()
        let start = clock.now
        let loaded = load(text)
        #expect(loaded.topology == nil)
        #expect(loaded.report.utf8.count < 2 << 20)
        #expect(clock.now - start < .seconds(60))
    }

    @Test func aByteOrderMarkAndWindowsLinesAreFine() {
        let text = Fixture().text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(load("\u{FEFF}" + text).report == "")
        let broken = Fixture(spec: "  paralelism: 1\n").text.split(separator: "\n").joined(separator: "\r\n")
        #expect(load("\u{FEFF}" + broken).places == ["5:3"])
    }

    @Test func columnsCountCodePointsNotBytes() {
        #expect(Fixture(metadata: "metadata: { description: \"ä😀é\", name: X }").loaded.places == ["3:39"])
    }
}
