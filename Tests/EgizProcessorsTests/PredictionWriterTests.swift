import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// What models say is kept, and comes back to the things.
@Suite struct PredictionWriterTests {
    private static let metadata =
        #"{"input":{"topic":"events","partition":2,"offset":41},"revision":7,"time":"2026-03-02T06:00:42.120Z","streamTime":"2026-03-02T06:00:42.140Z"}"#

    private func answer(_ more: String, thing: String = "t:a", task: String = "t") -> String {
        #"{"thingId":"\#(thing)","task":"\#(task)","model":"m","modelVersion":"1.0.0","id":"q1","input":{"topic":"ml.input.v1.t","partition":0,"offset":3},"metadata":\#(Self.metadata),"latencyMs":3.2,"attempts":1,"shadow":false,\#(more)}"#
    }

    private func send(_ line: ModelLine, _ value: String, key: String = "t:a") throws {
        try line.driver.send("ml.output.v1.t", key: key, value: value)
    }

    @Test func theLastAnswerOfAModelIsKeptWithWhereItComesFrom() throws {
        let line = try ModelLine(writer: "{}")
        try send(line, answer(#""prediction":{"score":0.1}"#))
        try send(line, answer(#""prediction":{"score":0.9,"label":"anomaly","details":{"suspectedNozzle":3}}"#))
        let rows = line.driver.store.allPredictions
        let row = try #require(rows.first)
        #expect(rows.count == 1 && row.score == 0.9 && row.label == "anomaly" && row.version == "1.0.0")
        #expect(row.details == #"{"suspectedNozzle":3}"# && row.error == nil && row.latency == 3.2)
        #expect(row.revision == 7 && row.time.text == "2026-03-02T06:00:42.120Z")
        #expect(row.input == InputPosition(topic: "events", partition: 2, offset: 41))
        #expect(row.output == InputPosition(topic: "ml.output.v1.t", partition: 0, offset: 1))
        #expect(line.count("predictions") == 2)
        #expect(line.emitted("events").isEmpty)
    }

    @Test func anAnswerComesBackToTheThingAsTelemetryAndAnAlertRuleReadsIt() throws {
        let line = try ModelLine(
            alerts:
                #"{"rules":[{"name":"sick","when":"features.ml.score > 15","severity":"critical","message":"{features.ml.label}"}]}"#
        )
        try line.send(1, #""x":3"#)
        #expect(line.driver.store.allAlerts.isEmpty)
        try line.send(2, #""x":12"#)
        let expected = try json(
            #"{"thingId":"t:a","timestamp":"1970-01-01T00:00:02Z","features":{"ml":{"score":24.0,"label":"anomaly","model":"m","version":"1.0.0"}}}"#
        )
        #expect(line.emitted("events").last == expected.object)
        #expect(line.driver.store.allAlerts.map(\.message) == ["anomaly"])
        #expect(line.questions.count == 2, "what is written back asks nothing")
        try line.send(3, #""x":3"#)
        #expect(line.driver.store.allAlerts.map(\.state) == [.cleared])
    }

    @Test func onePropertyGetsTheScoreOrTheLabel() throws {
        let line = try ModelLine(writer: #"{"write":[{"task":"t","writeTo":"features.ml.wear","to":"back"}]}"#)
        try send(line, answer(#""prediction":{"score":0.5,"label":"ok"}"#))
        try send(line, answer(#""prediction":{"label":"ok"}"#))
        try send(line, answer(#""prediction":{"details":{}}"#))
        #expect(
            try line.emitted("back").map { $0["features"] }
                == [json(#"{"ml":{"wear":0.5}}"#), json(#"{"ml":{"wear":"ok"}}"#)])
    }

    @Test func aDittoThingIsWrittenByACommand() throws {
        let line = try ModelLine(writer: #"{"write":[{"task":"t","writeTo":"/features/a~1b","as":"ditto"}]}"#)
        try send(line, answer(#""prediction":{"score":0.5}"#, thing: "org.acme:m/1"), key: "org.acme:m1")
        #expect(line.driver.deadLetters.count == 1, "a slash is in no thing id")
        try send(line, answer(#""prediction":{"score":0.5}"#, thing: "org.acme:m1"), key: "org.acme:m1")
        let expected = try json(
            #"{"topic":"org.acme/m1/things/twin/commands/merge","headers":{"content-type":"application/merge-patch+json","response-required":false,"correlation-id":"q1"},"path":"/features/a~1b/properties","value":{"score":0.5,"label":null,"model":"m","version":"1.0.0"}}"#
        )
        #expect(line.emitted("ditto.commands.v1").map { JSONValue.object($0) } == [expected])
    }

    @Test func errorsAndShadowsAreKeptAndNotWrittenBack() throws {
        let line = try ModelLine(writer: #"{"write":[{"task":"t","writeTo":"/features/ml","to":"back"}]}"#)
        try send(line, answer(#""error":{"code":"wrong-type","message":"no"}"#))
        try send(line, answer(#""prediction":1"#).replacing(#""shadow":false"#, with: #""shadow":true"#))
        try send(line, answer(#""prediction":1"#, task: "other"))
        #expect(line.emitted("back").isEmpty)
        #expect(line.predictions == ["t:a m 1.0 -", "t:a m !wrong-type", "t:a m~ 1.0 -"])
    }

    /// Of a question that was unanswered once and is asked again when the world has gone on.
    @Test(arguments: TopologyDriver.Epochs.allCases)
    func theAnswerToAnOldQuestionIsNotTheLastOne(_ epochs: TopologyDriver.Epochs) throws {
        let line = try ModelLine(
            writer: #"{"write":[{"task":"t","writeTo":"/features/ml","to":"back"}]}"#, epochs: epochs)
        func answer(_ second: Int, _ revision: Int, _ said: String, thing: String = "t:a") throws {
            let metadata =
                #"{"revision":\#(revision),"time":"2026-03-02T06:00:\#(second)Z","streamTime":"2026-03-02T06:00:\#(second)Z","input":{"topic":"events","partition":0,"offset":\#(revision)}}"#
            try send(line, self.answer(said, thing: thing).replacing(Self.metadata, with: metadata), key: thing)
        }
        try answer(10, 1, #""prediction":{"score":1}"#)
        try answer(20, 5, #""error":{"code":"http-404","message":"no"}"#)
        try line.driver.crashAndRestart()
        for revision in 6...9 { try answer(20 + revision, revision, #""prediction":{"score":\#(revision)}"#) }
        try line.driver.commit()
        try line.driver.crashAndRestart()
        try answer(20, 5, #""prediction":{"score":5}"#)
        try answer(20, 5, #""prediction":{"score":5}"#, thing: "t:b")
        // A device whose clock was ahead and is mended: only its time goes back.
        try answer(12, 10, #""prediction":{"score":10}"#)
        try line.driver.commit()
        #expect(line.predictions == ["t:a m 10.0 -", "t:b m 5.0 -"])
        let scores = line.emitted("back").map { $0["features"]?.object?["ml"]?.object?["score"] }
        #expect(scores == [1, 6, 7, 8, 9, 5, 10].map { .double($0) }, "the 5 is of the other thing")
    }

    @Test func aMemoryOfAnswersHasAnEnd() throws {
        let line = try ModelLine(writer: "{}", epochs: .explicit)
        for number in 0..<1100 {
            try send(line, answer(#""error":{"code":"http-404","message":"no"}"#, thing: "t:m\(number)"))
        }
        try line.driver.commit()
        let bytes = line.driver.store.allStates.compactMap(\.bytes).map(\.count)
        #expect(bytes == [2 + 1024 * 24])
    }

    @Test(arguments: [
        "no json", "[]", #"{"thingId":"nothing"}"#, #"{"thingId":"t:a","task":"t","model":"m"}"#,
        #"{"thingId":"t:a","task":"t","model":"m","metadata":{"time":"yesterday"},"prediction":1}"#,
        #"{"thingId":"t:a","task":"t","model":"m","metadata":{"time":"2026-01-01T00:00:00Z"}}"#,
        #"{"thingId":"t:a","task":"t","model":"m","metadata":{"time":"2026-01-01T00:00:00Z"},"prediction":1,"error":{"code":"x"}}"#,
        #"{"thingId":"t:a","task":"t","model":"m","metadata":{"time":"2026-01-01T00:00:00Z"},"prediction":{"label":"a\u0000b"}}"#,
        #"{"thingId":"t:a","task":"t","model":"m","metadata":{"time":"2026-01-01T00:00:00Z"},"prediction":{"score":"x"}}"#,
    ])
    func whatIsNoAnswerStandsAsideAndOthersGoOn(_ text: String) throws {
        let line = try ModelLine()
        try send(line, text)
        try send(line, answer(#""prediction":1"#))
        #expect(line.driver.deadLetters.map(\.code) == [text == "no json" ? "json" : "answer"])
        #expect(line.predictions == ["t:a m 1.0 -"])
    }

    @Test func aCrashChangesNothing() throws {
        func run(crashes: Bool) throws -> [String] {
            let line = try ModelLine(epochs: .explicit)
            for number in 1...20 {
                try send(line, answer(#""prediction":{"score":\#(number)}"#, thing: "t:m\(number % 3)"))
                if number % 4 == 0 { try line.driver.commit() }
                if crashes, number % 3 == 0 { try line.driver.crashAndRestart() }
            }
            try line.driver.commit()
            return line.predictions + line.emitted("events").map { JSONValue.object($0).text }
        }
        let calm = try run(crashes: false)
        #expect(calm.count == 23)
        #expect(try run(crashes: true) == calm)
    }

    @Test(arguments: [
        (#"{"write":[{"task":"t","writeTo":"/attributes/x","to":"x"}]}"#, "rules.write[0].writeTo: "),
        (#"{"write":[{"task":"t","writeTo":"/features/ml"}]}"#, "rules.write[0]: `as: telemetry` needs `to`"),
        (#"{"write":[{"task":"a b","writeTo":"/features/ml","to":"x"}]}"#, "rules.write[0].task: "),
        (
            #"{"write":[{"task":"t","writeTo":"/features/ml","to":"x"},{"task":"t","writeTo":"/features/m","to":"x"}]}"#,
            "rules.write[1].task: found \"t\", expected another task"
        ),
    ])
    func whatTheKindCannotTakeIsAFault(_ settings: String, _ message: String) throws {
        let found = try faults("prediction-writer", settings)
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
