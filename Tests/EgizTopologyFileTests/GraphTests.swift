import EgizCore
import EgizTopologyFile
import Testing

@Suite struct GraphTests {
    private func graph(_ processors: String, sources: String? = nil) -> LoadedTopology {
        var fixture = Fixture(processors: processors)
        if let sources { fixture.sources = sources }
        return fixture.loaded
    }

    @Test func anEdgeThatLeadsNowhereNamesTheNearest() {
        let loaded = graph("    twins: { kind: twin-projector, from: event }")
        #expect(loaded.faults.count == 1, "\(loaded.report)")
        #expect(
            loaded.report.contains(
                "x.yaml:10:42: error: `processors.twins.from`: nothing is called \"event\"; expected `events`; did you mean `events`?"
            ), "\(loaded.report)")
    }

    @Test func aCircleIsReportedOnceWithItsWay() {
        let loaded = graph(
            """
                twins: { kind: twin-projector, from: events }
                a: { kind: history-writer, from: c }
                b: { kind: history-writer, from: a }
                c: { kind: history-writer, from: b }
                d: { kind: history-writer, from: c }
            """)
        #expect(
            loaded.messages.filter { $0.contains("circle") } == [
                "the processors feed each other in a circle: `a` from `c` from `b` from `a`; let one of them read from a source"
            ])
        #expect(loaded.places.contains("11:38"))
    }

    @Test func aProcessorThatFeedsItselfIsACircle() {
        let loaded = graph("    twins: { kind: twin-projector, from: twins }")
        #expect(loaded.messages.contains { $0.contains("circle: `twins` from `twins`") }, "\(loaded.report)")
    }

    @Test func aHistoryWriterNeedsChangesNotRecords() {
        let loaded = graph("    h: { kind: history-writer, from: events }")
        #expect(
            loaded.messages == [
                "`processors.h.from`: a history-writer reads changes of twins, but the source `events` gives records; put a twin-projector between them"
            ])
        let hint = graph(
            "    twins: { kind: twin-projector, from: events }\n    h: { kind: history-writer, from: events }")
        #expect(hint.messages.first?.hasSuffix("gives records; did you mean `twins`?") == true, "\(hint.report)")
    }

    @Test func aTwinProjectorReadsFromASourceOnly() {
        let loaded = graph(
            "    twins: { kind: twin-projector, from: events }\n    more: { kind: twin-projector, from: twins }")
        #expect(
            loaded.messages.contains(
                "`processors.more.from`: a twin-projector reads records, but `twins` gives changes of twins; let it read from a source"
            ), "\(loaded.report)")
    }

    @Test func nothingFollowsAHistoryWriter() {
        let loaded = graph(
            """
                twins: { kind: twin-projector, from: events }
                h: { kind: history-writer, from: twins }
                i: { kind: history-writer, from: h }
            """)
        #expect(
            loaded.messages.contains(
                "`processors.i.from`: a history-writer reads changes of twins, but `h` gives nothing on; did you mean `twins`?"
            ), "\(loaded.report)")
    }

    @Test func aTwinProjectorNeedsAFormatWithTwinEvents() {
        let loaded = graph(
            "    twins: { kind: twin-projector, from: events }", sources: "    events: { topics: [a], format: json }")
        #expect(
            loaded.messages == [
                "`processors.twins.from`: a twin-projector needs a source of format `ditto` or `telemetry`, but `events` has the format `json`"
            ])
        #expect(
            graph(
                "    twins: { kind: twin-projector, from: events }",
                sources: "    events: { topics: [a], format: telemetry }"
            ).report == "")
    }

    @Test func aProcessorMustNotHaveTheNameOfASource() {
        let loaded = graph("    events: { kind: twin-projector, from: events }")
        #expect(
            loaded.messages.contains("the processor `events` has the name of a source (line 6); give it another"),
            "\(loaded.report)")
    }

    @Test func aProjectionOfAStageHasOneWriter() {
        let loaded = graph(
            """
                twins: { kind: twin-projector, from: events }
                history: { kind: history-writer, from: twins }
                history2: { kind: history-writer, from: twins, onlyChanges: true }
                twins2: { kind: twin-projector, from: events }
            """)
        #expect(
            loaded.messages == [
                "`history2` and `history` (line 11) both write the projection `history` of the source `events`; a projection has one writer, remove one of them",
                "`twins2` and `twins` (line 10) both write the projection `twin` of the source `events`; a projection has one writer, remove one of them",
            ])
        #expect(loaded.places == ["12:5", "13:5"])
    }

    @Test func twoStagesMayEachHaveAProjectorAndAHistory() {
        let loaded = graph(
            """
                a: { kind: twin-projector, from: s }
                ah: { kind: history-writer, from: a }
                b: { kind: twin-projector, from: t }
                bh: { kind: history-writer, from: b }
            """,
            sources: """
                    s: { topics: [s.v1], format: ditto }
                    t: { topics: [t.v1], format: telemetry }
                """)
        #expect(loaded.report == "")
    }

    @Test func oneTopicMakesTwinsInOneStageOnly() {
        let sources = """
                s: { topics: [same.v1], format: ditto }
                t: { topics: [same.v1], format: ditto }
            """
        let loaded = graph(
            "    a: { kind: twin-projector, from: s }\n    b: { kind: twin-projector, from: t }", sources: sources)
        #expect(
            loaded.report
                == "x.yaml:7:19: error: `s` (line 6) and `t` both make twins of the topic \"same.v1\", but a thing belongs to one stage; let one of them read another topic\n"
        )

        let warned = graph("    a: { kind: twin-projector, from: s }", sources: sources)
        #expect(warned.topology != nil)
        #expect(warned.report.contains("x.yaml:7:19: warning: `s` (line 6) and `t` both read the topic \"same.v1\""))
    }

    @Test func processorsMayStandBeforeWhatFeedsThem() throws {
        let loaded = graph(
            "    h: { kind: history-writer, from: twins }\n    twins: { kind: twin-projector, from: events }")
        #expect(loaded.report == "")
        #expect(loaded.topology?.stages[0].processors.map(\.name) == ["twins", "h"])
    }

    // MARK: Circles through topics

    private static let round = """
            twins: { kind: twin-projector, from: a }
            copy: { kind: map, from: twins, to: b.v1, thing: "b:{name}" }
            others: { kind: twin-projector, from: b }
            back: { kind: map, from: others, to: a.v1, thing: "a:{name}" }
        """

    private func sources(_ a: String = "", _ b: String = "") -> String {
        """
            a: { topics: [a.v1], format: telemetry\(a) }
            b: { topics: [b.v1], format: telemetry\(b) }
        """
    }

    @Test func recordsThatRunInACircleAreRefusedWithTheirWay() {
        let loaded = graph(Self.round, sources: sources())
        #expect(
            loaded.messages == [
                #"records run in a circle: `a` writes "b.v1", `b` writes "a.v1", which `a` reads; write to another topic, or say `cycle: true` at a source of the circle where that is meant"#
            ])
        #expect(loaded.places == ["12:42"], "\(loaded.report)")
    }

    @Test(arguments: [(", cycle: true", ""), ("", ", cycle: true")])
    func aCircleThatIsDeclaredIsTaken(_ a: String, _ b: String) {
        #expect(graph(Self.round, sources: sources(a, b)).report == "")
    }

    @Test func aStageThatReadsWhatItWritesIsACircleAlsoThroughItsDeadLetters() {
        let own = graph(
            """
                twins: { kind: twin-projector, from: events }
                copy: { kind: map, from: twins, to: events.v1 }
            """)
        #expect(
            own.messages.count == 1 && own.messages[0].contains("`events` writes \"events.v1\", which `events` reads"))
        let letters = graph(
            """
                twins: { kind: twin-projector, from: events }
                copy: { kind: map, from: twins, to: other.v1 }
            """, sources: "    events: { topics: [other.v1.dlq, other.v1.dlq.dlq], format: ditto }")
        #expect(
            letters.messages.count == 1 && letters.messages[0].contains(#"writes "other.v1.dlq.dlq""#),
            "\(letters.report)")
        let none = graph(
            "    twins: { kind: twin-projector, from: events }",
            sources: "    events: { topics: [o.dlq, o.dlq.dlq], format: ditto, deadLetterTopic: false }")
        #expect(none.report == "")
    }

    @Test func aLineOfStagesIsNoCircle() {
        #expect(
            graph(
                """
                    twins: { kind: twin-projector, from: a }
                    copy: { kind: map, from: twins, to: b.v1, thing: "b:{name}" }
                    others: { kind: twin-projector, from: b }
                    out: { kind: export, from: others, to: history.timeseries.v1.b }
                """, sources: sources()
            ).report == "")
    }

    private let models = """
            twins: { kind: twin-projector, from: events }
            ask: { kind: ml-fan-out, from: twins, task: t, features: [{ name: x, path: features.f.x }], writeTo: /features/ml }
            call: { kind: ml-caller, from: questions, endpoint: "http://h", model: t }
            keep: { kind: prediction-writer, from: answers, write: [{ task: t, writeTo: features.ml.score, to: telemetry }] }
        """
    private let modelSources = """
            events: { topics: [events.v1], format: telemetry }
            questions: { topics: [ml.input.v1.t], format: json }
            answers: { topics: [ml.output.v1.t], format: json }
        """

    @Test func modelsHaveStagesOfTheirOwn() {
        #expect(graph(models, sources: modelSources).report == "")
    }

    @Test func whatReadsRecordsAsTheyAreNeedsASourceOfItsOwnWithTheFormatJson() {
        let other = graph(
            models + "\n    more: { kind: prediction-writer, from: questions }", sources: modelSources)
        #expect(
            other.messages == [
                "`more` reads from the source `questions`, which `call` (line 12), a ml-caller, needs for itself; give it a source of its own"
            ], "\(other.report)")
        let format = graph(
            models, sources: modelSources.replacing("[ml.input.v1.t], format: json", with: "[x], format: ditto"))
        #expect(
            format.messages.contains(
                "`processors.call.from`: a ml-caller needs a source of format `json`, but `questions` has the format `ditto`"
            ),
            "\(format.report)")
        let changes = graph(models.replacing("from: answers", with: "from: twins"), sources: modelSources)
        #expect(
            changes.messages.contains(
                "`processors.keep.from`: a prediction-writer reads records, but `twins` gives changes of twins; let it read from a source"
            ), "\(changes.report)")
    }

    @Test func anAnswerThatIsWrittenWhereItWouldAskAgainIsAFault() {
        let elsewhere = graph(
            models.replacing("writeTo: /features/ml", with: "writeTo: /features/other"), sources: modelSources)
        #expect(
            elsewhere.messages == [
                "`processors.ask`: `keep` writes the answers of the task `t` to /features/ml/properties/score, so they would ask the model again; say `writeTo` of that path here too"
            ], "\(elsewhere.report)")
        #expect(elsewhere.places == ["11:106"])
        let unknown = graph(models.replacing(", writeTo: /features/ml", with: ""), sources: modelSources)
        #expect(unknown.messages.count == 1, "\(unknown.report)")
    }

    @Test func answersThatWouldGoRoundAreAFault() {
        let both =
            models
            + "\n    other: { kind: ml-fan-out, from: twins, task: u, features: [{ name: x, path: features.f.x }], writeTo: /features/u, alsoOn: [features.ml.score] }"
        #expect(graph(both, sources: modelSources).report == "", "a chain ends")
        let round = graph(
            both.replacing("writeTo: /features/ml }", with: "writeTo: /features/ml, alsoOn: [/features/u] }"),
            sources: modelSources)
        #expect(
            round.messages == [
                "`processors.ask.alsoOn`: answers go round for ever: `ask` asks `other` asks `ask`; leave one of these paths out",
                "`processors.other.alsoOn`: answers go round for ever: `other` asks `ask` asks `other`; leave one of these paths out",
            ], "\(round.report)")
    }
}
