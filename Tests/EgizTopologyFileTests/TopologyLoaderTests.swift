import EgizCore
import EgizProcessors
import EgizTopologyFile
import EgizTwin
import Foundation
import Testing

@Suite struct TopologyLoaderTests {
    @Test func theDemoTopologyLoadsWithoutAnyFault() throws {
        let loaded = TopologyLoader(registry: .builtin).load(
            path: repository.appendingPathComponent("Topologies/filling-line.yaml").path)
        #expect(loaded.report == "")
        let topology = try #require(loaded.topology)
        #expect(topology.stages.map(\.name.text) == ["filling-line.twin-events", "filling-line.telemetry"])
        #expect(
            topology.stages.map { $0.processors.map(\.name) } == [
                ["twins", "history", "minutes"], ["telemetry-twins", "telemetry-history"],
            ])
        #expect(topology.sources.map { $0.topics.map(\.name) } == [["ditto.twin.events.v1"], ["telemetry.v1"]])
        #expect(topology.sources.map { $0.topics.map(\.partitions) } == [[4], [4]])
    }

    @Test func everyWordReachesTheTopology() throws {
        let loaded = load(
            """
            apiVersion: egiz/v1
            kind: Topology
            metadata: { name: a-1, description: "two: words" }
            spec:
              delivery: at_least_once
              parallelism: 7
              commit: { interval: 2s, maxRecords: 1000, maxBytes: 1MiB }
              kafka: { security.protocol: SSL, socket.keepalive.enable: true, fetch.wait.max.ms: 10 }
              sources:
                s:
                  topics:
                    - a.v1
                  format: telemetry
                  start: latest
                  onGap: report
                  idle: 250ms
                  onError: deadLetter
                t:
                  topics: [{ name: b.v1, partitions: 12, config: { retention.ms: 1000, cleanup.policy: compact } }]
                  format: ditto
              processors:
                p: { kind: twin-projector, from: s }
                q: { kind: twin-projector, from: t }
                h: { kind: history-writer, from: q, include: ["/features/*/properties/**"], exclude: /attributes/x, onlyChanges: true }
            """)
        #expect(loaded.report == "")
        let topology = try #require(loaded.topology)
        #expect(topology.name == "a-1")
        #expect(topology.description == "two: words")
        #expect(topology.delivery == .atLeastOnce)
        #expect(topology.parallelism == 7)
        #expect(topology.commit == CommitPolicy(interval: .seconds(2), maxRecords: 1000, maxBytes: 1 << 20))
        #expect(
            topology.kafka == [
                "security.protocol": "SSL", "socket.keepalive.enable": "true", "fetch.wait.max.ms": "10",
            ])
        let source = topology.sources[0]
        #expect(source.format == .telemetry)
        #expect(source.start == .latest)
        #expect(source.onGap == .report)
        #expect(source.idle == .milliseconds(250))
        #expect(source.topics[0].partitions == nil)
        let topic = topology.sources[1].topics[0]
        #expect(topic.partitions == 12)
        #expect(topic.config == ["retention.ms": "1000", "cleanup.policy": "compact"])
        let reader = SettingsReader(topology.processors[2])
        #expect(try reader.bool("onlyChanges"))
        #expect(try reader.patterns("include").map(\.text) == ["/features/*/properties/**"])
        #expect(try reader.patterns("exclude").map(\.text) == ["/attributes/x"])
    }

    @Test func defaultsFillWhatTheFileLeavesOut() throws {
        var fixture = Fixture()
        fixture.processors += "\n    history: { kind: history-writer, from: twins }"
        let topology = try #require(fixture.loaded.topology)
        #expect(topology.delivery == .exactlyOnce)
        #expect(topology.parallelism == 1)
        #expect(topology.commit == .standard)
        #expect(topology.sources[0].start == .earliest)
        #expect(topology.sources[0].onGap == .fail)
        #expect(topology.sources[0].idle == .seconds(5))
        #expect(topology.kafka.isEmpty)
        let reader = SettingsReader(topology.processors[1])
        #expect(try reader.bool("onlyChanges") == false)
        #expect(try reader.patterns("include").map(\.text) == ["/attributes/**", "/features/**"])
        #expect(try reader.patterns("exclude").isEmpty)
        #expect(topology.sourceText == fixture.text)
    }

    @Test func aFileWithTenFaultsListsAllTenWhereTheyStand() {
        let loaded = load(
            """
            apiVersion: egiz/v2
            kind: Topology
            metadata: { name: Filling_Line }
            spec:
              delivry: exactly_once
              parallelism: 100
              commit: { interval: 100 }
              sources:
                twin-events:
                  topics: [{ name: "no spaces", partitions: 4 }]
                  format: dito
              processors:
                twins: { kind: twin-projector, from: twin-evnts }
                history: { kind: histroy-writer, from: twins }
                more: { kind: history-writer, from: twins, onlyChanges: yes }
                twins: { kind: twin-projector, from: twin-events }
            """)
        #expect(
            loaded.report.split(separator: "\n").map(String.init) == [
                "x.yaml:1:13: error: `apiVersion`: found \"egiz/v2\", expected `egiz/v1`; did you mean `egiz/v1`?",
                "x.yaml:3:19: error: `metadata.name`: found \"Filling_Line\", expected a name of small letters, digits and dashes that begins with a letter, at most 63 characters",
                "x.yaml:5:3: error: unknown word `delivry` in `spec`, expected `delivery`, `parallelism`, `commit`, `kafka`, `sources` or `processors`; did you mean `delivery`?",
                "x.yaml:6:16: error: `spec.parallelism`: found the number 100, expected a whole number from 1 to 64",
                "x.yaml:7:23: error: `spec.commit.interval`: found the number 100, expected a duration such as \"10s\", \"250ms\", \"5m\", \"2h\" or \"90d\" from 1ms to 1h; a bare number has no unit, write \"100s\" for seconds",
                "x.yaml:10:24: error: `sources.twin-events.topics.name`: found \"no spaces\", expected a Kafka topic name: letters, digits, `.`, `_` and `-`, at most 249 characters",
                "x.yaml:11:15: error: `sources.twin-events.format`: found \"dito\", expected `ditto`, `telemetry` or `json`; did you mean `ditto`?",
                "x.yaml:13:42: error: `processors.twins.from`: nothing is called \"twin-evnts\"; expected `twin-events`, `history` or `more`; did you mean `twin-events`?",
                "x.yaml:14:22: error: `processors.history.kind`: unknown kind \"histroy-writer\", expected `twin-projector`, `history-writer`, `rollup`, `binding-evaluator`, `alert-rule`, `type-schema`, `filter`, `map`, `export`, `rekey`, `dead-letter-handler`, `webhook`, `ml-fan-out`, `ml-caller` or `prediction-writer`; did you mean `history-writer`?",
                "x.yaml:15:61: error: `processors.more.onlyChanges`: found \"yes\", expected true or false; write `true`",
                "x.yaml:16:5: error: the key `twins` stands twice in one map, first in line 13; remove one",
            ])
        #expect(loaded.topology == nil)
    }

    @Test func missingWordsAreNamedWhereTheirMapStands() {
        let loaded = load(
            "apiVersion: egiz/v1\nkind: Topology\nmetadata: {}\nspec:\n  sources: { a: {} }\n  processors: { b: {} }\n")
        #expect(
            loaded.faults.map { "\($0.mark.line):\($0.mark.column) \($0.message.split(separator: ",")[0])" } == [
                "3:1 `metadata` has no `name`",
                "5:14 `sources.a` has no `format`",
                "5:14 `sources.a` has no `topics`",
                "6:17 `processors.b` has no `from`",
                "6:17 `processors.b` has no `kind`",
            ])
    }

    @Test(arguments: ["", "   ", "# only a comment\n", "[]", "text", "---\n", "null", "5"])
    func aFileThatIsNoMapIsRefused(_ text: String) {
        let loaded = load(text)
        #expect(loaded.topology == nil)
        #expect(!loaded.report.isEmpty)
        #expect(loaded.report.hasPrefix("x.yaml:") && loaded.faults.count == 1)
    }

    @Test func warningsDoNotKeepATopologyFromLoading() throws {
        let loaded = Fixture(
            sources: """
                    events: { topics: [events.v1], format: ditto }
                    unused: { topics: [other.v1], format: ditto }
                """
        ).loaded
        #expect(loaded.topology != nil)
        #expect(loaded.report.contains("x.yaml:7:5: warning: the source `unused` feeds no processor"))
    }
}
