import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

/// Tasks beside each other, fan-outs that go and come back, and windows that would grow for ever.
@Suite struct FanOutMendTests {
    private static let x = #"{"name":"x","path":"features.f.x"}"#

    private func questions(_ line: RuleLine) -> [JSONObject] { line.emitted("ml.input.v1.t") }

    // MARK: Answers

    /// Two tasks of one thing, each with a model that answers at once and is written back.
    private func pair(alsoOn: String = "[]") throws -> TopologyDriver {
        func link(_ name: String, _ kind: String, from: String, _ settings: String) throws -> ProcessorDefinition {
            try RuleLine.Link(name, kind, from: from, settings).definition()
        }
        func source(_ name: String, _ topics: [String]) -> SourceDefinition {
            SourceDefinition(
                name: name, topics: topics.map { .init(name: $0, partitions: 1, config: [:], mark: RuleLine.mark) },
                format: .json, start: .earliest, onGap: .fail, idle: .seconds(3600), mark: RuleLine.mark)
        }
        var topology = Topology.testing(further: [
            try link(
                "ask-a", "ml-fan-out", from: "twins",
                #"{"task":"a","features":[\#(Self.x)],"writeTo":"/features/a"}"#),
            try link(
                "ask-b", "ml-fan-out", from: "twins",
                #"{"task":"b","features":[\#(Self.x)],"writeTo":"/features/b","alsoOn":\#(alsoOn)}"#),
        ])
        topology.sources += [
            source("asked-a", ["ml.input.v1.a"]), source("asked-b", ["ml.input.v1.b"]),
            source("answered", ["ml.output.v1.a", "ml.output.v1.b"]),
        ]
        topology.processors += [
            try link("a", "ml-caller", from: "asked-a", #"{"endpoint":"http://model","model":"a"}"#),
            try link("b", "ml-caller", from: "asked-b", #"{"endpoint":"http://model","model":"b"}"#),
            try link(
                "answers", "prediction-writer", from: "answered",
                #"{"write":[{"task":"a","writeTo":"/features/a","to":"events"},{"task":"b","writeTo":"/features/b","to":"events"}]}"#
            ),
        ]
        return TopologyDriver(
            topology: topology, registry: .builtin, store: MemoryStore(),
            endpoint: MemoryEndpoint.model { _ in .double(0.5) })
    }

    private func asked(_ driver: TopologyDriver) throws -> [String: Int] {
        try driver.send(
            "events", key: "t:a", value: #"{"thingId":"t:a","timestamp":1000,"features":{"f":{"x":1}}}"#,
            at: EventTime(microseconds: 1_000_000))
        var counts: [String: Int] = [:]
        for record in driver.emitted where record.topic.hasPrefix("ml.input.") { counts[record.topic, default: 0] += 1 }
        return counts
    }

    @Test func answersOfAnotherTaskAskNothing() throws {
        #expect(try asked(pair()) == ["ml.input.v1.a": 1, "ml.input.v1.b": 1])
    }

    @Test func aTaskMayBeAskedOnTheAnswersOfAnother() throws {
        #expect(try asked(pair(alsoOn: #"["features.a.score"]"#)) == ["ml.input.v1.a": 1, "ml.input.v1.b": 2])
    }

    @Test func answersOfATaskOfTheRegistryAskNothing() throws {
        let line = try RuleLine("ml-fan-out", #"{"task":"t","features":[\#(Self.x)]}"#)
        try line.send(1, #""x":1"#)
        let answer = #"{"thingId":"t:a","features":{"other":{"score":1}}}"#
        try line.driver.send("events", key: "t:a", value: answer)
        #expect(questions(line).count == 2, "nobody says that this is an answer")
        line.driver.store.setRegistry(tasks: [
            .init(
                name: "other",
                settings: ConfigValue(
                    json: try json(#"{"features":[\#(Self.x)],"writeTo":"/features/other"}"#), at: RuleLine.mark))
        ])
        try line.driver.adoptRegistry()
        try line.driver.send("events", key: "t:a", value: answer)
        #expect(questions(line).count == 2)
        try line.send(2, #""x":2"#)
        #expect(questions(line).count == 3)
    }

    @Test(arguments: [
        (
            #"{"task":"t","writeTo":"/features/ml","alsoOn":["features.ml.score"],"features":[{"name":"x","path":"features.f.x"}]}"#,
            "rules.alsoOn: found a list, expected paths outside `writeTo`"
        ),
        (
            #"{"task":"t","alsoOn":["1 + 1"],"features":[{"name":"x","path":"features.f.x"}]}"#,
            "rules.alsoOn: column 1: found a calculation"
        ),
        (#"{"task":"t","alsoOn":["features.ml.score"]}"#, "rules.alsoOn: without `features` the task comes from"),
    ])
    func whatAFanOutCannotBeAskedOnIsAFault(_ settings: String, _ message: String) throws {
        let found = try faults("ml-fan-out", settings)
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }

    // MARK: Timers

    private func timed(every: Int, _ store: MemoryStore) throws -> RuleLine {
        try RuleLine(
            "ml-fan-out", #"{"task":"t","features":[\#(Self.x)],"trigger":"time","every":\#(every)}"#, store: store)
    }

    @Test func aTaskByTimeThatWasAwayForAVersionAsksAgain() throws {
        let store = MemoryStore()
        try timed(every: 10_000, store).send(1, #""x":1"#)
        // Another processor with a state: what is due meanwhile and has no processor is dropped.
        let other = ProcessorDefinition(
            name: "scene", kind: "binding-evaluator", from: "twins",
            settings: try RuleLine.settings(
                #"{"bindings":[{"objectName":"O","target":"text","path":"features.f.x"}]}"#),
            mark: RuleLine.mark)
        let between = TopologyDriver(topology: .testing(further: [other]), registry: .builtin, store: store)
        try between.send(
            "events", key: "t:a", value: #"{"thingId":"t:a","timestamp":50000,"features":{"f":{"x":2}}}"#,
            at: EventTime(microseconds: 50_000_000))
        let after = try timed(every: 10_000, store)
        try after.driver.takeOverTasks()
        try after.driver.commit()
        try after.send(60, #""x":3"#)
        try after.clock(100)
        let last = questions(after).last?["features"]
        #expect(try last == json(#"{"x":3}"#))
    }

    @Test func aTaskByTimeThatIsToAskMoreOftenDoesSoAtOnce() throws {
        let store = MemoryStore()
        try timed(every: 3_600_000, store).send(1, #""x":1"#)
        let after = try timed(every: 1000, store)
        try after.driver.takeOverTasks()
        try after.driver.commit()
        try after.clock(3)
        #expect(questions(after).count == 1)
        #expect(questions(after).first?["metadata"]?.object?["time"] == .string("1970-01-01T00:00:02Z"))
        try after.clock(4000)
        #expect(questions(after).count == 1, "the timer that it had is gone")
    }

    @Test func aTaskThatIsNoLongerByTimeHasNoTimer() throws {
        let store = MemoryStore()
        let before = try timed(every: 3_600_000, store)
        try before.send(1, #""x":1"#)
        let after = try RuleLine("ml-fan-out", #"{"task":"t","features":[\#(Self.x)]}"#, store: store)
        try after.driver.takeOverTasks()
        try after.driver.commit()
        let home = try #require(store.twin(try ThingID(validating: "t:a"))?.home)
        #expect(store.allTimers(of: home).isEmpty)
    }

    // MARK: Windows

    private func raw(_ samples: Int) throws -> RuleLine {
        try RuleLine(
            "ml-fan-out",
            #"{"task":"t","features":[{"name":"w","path":"features.f.x","value":"raw","samples":\#(samples)}]}"#)
    }

    private func stateBytes(_ line: RuleLine) -> Int {
        line.driver.store.allStates.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
    }

    @Test func aWindowTakesNothingLarge() throws {
        let line = try raw(1000)
        let text = String(repeating: "x", count: 100_000)
        for second in 1...20 { try line.send(Double(second), #""x":"\#(text)""#) }
        #expect(line.count("ruleErrors") == 20)
        #expect(stateBytes(line) < 1000)
        #expect(line.driver.deadLetters.isEmpty, "nobody's record is refused because of a feature")
    }

    @Test func theOldestOfAWindowGoWhenItsTextsAreTooMany() throws {
        let line = try raw(1000)
        let text = String(repeating: "y", count: 240)
        for second in 1...400 { try line.send(Double(second), #""x":"\#(text)""#) }
        #expect(stateBytes(line) < 80_000)
        let last = try #require(questions(line).last?["features"]?.object?["w"])
        guard case .array(let pairs) = last else {
            Issue.record("no window")
            return
        }
        #expect(pairs.count == 273, "64 KiB of them")
        #expect(pairs.last == .array([.double(0), .string(text)]))
    }

    @Test func numbersOfAWindowStayWhateverTheirNumber() throws {
        let line = try raw(10_000)
        for number in 1...300 { try line.send(Double(number) / 10, #""x":\#(number)"#) }
        guard case .array(let pairs)? = questions(line).last?["features"]?.object?["w"] else {
            Issue.record("no window")
            return
        }
        #expect(pairs.count == 300)
    }
}
