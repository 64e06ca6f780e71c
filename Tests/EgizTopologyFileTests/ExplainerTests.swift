import EgizCore
import EgizProcessors
import EgizTopologyFile
import Testing

@Suite struct ExplainerTests {
    private static let text = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line, description: "Hall 3\\e[31m" }
        spec:
          kafka: { sasl.password: "${P}", client.rack: r1 }
          sources:
            events:
              topics: [{ name: events.v1, partitions: 12, config: { retention.ms: 5 } }, { name: more.v1, partitions: 12 }]
              format: ditto
              start: latest
            telemetry: { topics: [telemetry.v1], format: telemetry }
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins, include: ["/features/**"], onlyChanges: true }
            telemetry-twins: { kind: twin-projector, from: telemetry }
        """

    private func topology() throws -> Topology {
        try #require(load(Self.text, environment: ["P": "hunter2"]).topology)
    }

    @Test func theTreeIsAlignedAndNamesWhatDiffersFromTheDefault() throws {
        let text = TopologyExplainer.text(of: try topology(), registry: .builtin)
        #expect(
            text == """
                topology line
                  Hall 3 [31m
                  delivery exactly_once, 1 stream thread a stage and worker
                  commit after 100ms, 1000000 records or 64MiB
                  kafka client.rack = r1
                  kafka sasl.password = ***

                stage and consumer group line.events
                  events.v1         topic           12 partitions, retention.ms=5
                  more.v1           topic           12 partitions
                  └─ events         source          format ditto, start latest
                     └─ twins       twin-projector  writes twin
                        └─ history  history-writer  writes history
                              include: [/features/**]
                              onlyChanges: true

                stage and consumer group line.telemetry
                  telemetry.v1           topic           the broker's partitions
                  └─ telemetry           source          format telemetry
                     └─ telemetry-twins  twin-projector  writes twin

                """)
    }

    @Test func theMermaidChartQuotesEveryLabel() throws {
        let text = TopologyExplainer.mermaid(of: try topology(), registry: .builtin)
        #expect(
            text == """
                flowchart LR
                  subgraph s0["line.events"]
                    s0_source["events<br/>ditto"]
                    s0_p0["twins<br/>twin-projector"]
                    s0_p1["history<br/>history-writer<br/>include: #91;/features/#42;#42;#93;<br/>onlyChanges: true"]
                  end
                  subgraph s1["line.telemetry"]
                    s1_source["telemetry<br/>telemetry"]
                    s1_p0["telemetry-twins<br/>twin-projector"]
                  end
                  topic0[/"events.v1<br/>12 partitions"/]
                  topic0 --> s0_source
                  topic1[/"more.v1<br/>12 partitions"/]
                  topic1 --> s0_source
                  s0_source --> s0_p0
                  projection0[("twin")]
                  s0_p0 --> projection0
                  s0_p0 --> s0_p1
                  projection1[("history")]
                  s0_p1 --> projection1
                  topic2[/"telemetry.v1"/]
                  topic2 --> s1_source
                  s1_source --> s1_p0
                  s1_p0 --> projection0

                """)
    }

    @Test func noSecretIsPrinted() throws {
        let topology = try topology()
        #expect(topology.kafka["sasl.password"] == "hunter2")
        #expect(!TopologyExplainer.text(of: topology, registry: .builtin).contains("hunter2"))
        #expect(!TopologyExplainer.mermaid(of: topology, registry: .builtin).contains("hunter2"))
    }
}
