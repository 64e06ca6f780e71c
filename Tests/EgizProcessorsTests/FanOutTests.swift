import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

/// What a model is asked about a thing, and when.
@Suite struct FanOutTests {
    private func line(_ features: String, _ more: String = "") throws -> RuleLine {
        try RuleLine("ml-fan-out", #"{"task":"t","model":"m","features":[\#(features)]\#(more)}"#)
    }

    private func questions(_ line: RuleLine) -> [JSONObject] { line.emitted("ml.input.v1.t") }

    @Test func aQuestionHoldsTheFeaturesAsTheyAreAndWhereTheyComeFrom() throws {
        let line = try line(
            #"{"name":"volumes","path":"/features/f/properties/volumes"},{"name":"speed","path":"features.f.speed"}"#)
        try line.send(1, #""volumes":[499.5,498],"speed":25"#)
        let expected = try json(
            #"{"thingId":"t:a","task":"t","model":"m","features":{"volumes":[499.5,498],"speed":25},"metadata":{"input":{"topic":"events","partition":0,"offset":0},"revision":1,"time":"1970-01-01T00:00:01Z","streamTime":"1970-01-01T00:00:01Z","trigger":"event"}}"#
        )
        #expect(questions(line).map { JSONValue.object($0) } == [expected])
        #expect(line.driver.emitted[0].key == Array("t:a".utf8))
        #expect(line.driver.emitted[0].id == "line/source/events/0@1/0/0")
        #expect(line.count("questions") == 1)
    }

    @Test func aRawWindowHoldsTheLastSecondsAsPairsWithTheQuestionsTimeAsZero() throws {
        let line = try line(#"{"name":"flow","path":"features.f.flow","value":"raw","window":12000}"#)
        for (second, flow) in [(0.0, 1), (5, 2), (12, 3), (13.5, 4)] { try line.send(second, #""flow":\#(flow)"#) }
        let last = try #require(questions(line).last)
        #expect(try last["features"] == json(#"{"flow":[[-8.5,2],[-1.5,3],[0,4]]}"#))
    }

    @Test func samplesThatComeLateAreSortedInAndOfTwoAtOneTimeTheLaterStays() throws {
        let line = try line(#"{"name":"x","path":"features.f.x","value":"raw","samples":3}"#)
        for (second, x) in [(3.0, 3), (1, 1), (2, 2), (3, 33), (4, 4)] { try line.send(second, #""x":\#(x)"#) }
        #expect(try questions(line).last?["features"] == json(#"{"x":[[-2,2],[-1,33],[0,4]]}"#))
    }

    /// A clock that runs ahead must not push the others' samples out of the window.
    @Test func aSampleOfTheFarFutureCountsAsOneOfNow() throws {
        let line = try line(#"{"name":"x","path":"features.f.x","value":"mean","window":10000}"#)
        try line.send(1, #""x":1"#)
        try line.driver.send(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":7226582400000,"features":{"f":{"x":4}}}"#,
            at: EventTime(microseconds: 2_000_000))
        try line.send(3, #""x":7"#)
        #expect(try questions(line).last?["features"] == json(#"{"x":4.0}"#))
    }

    @Test(arguments: [
        ("mean", "3.5"), ("min", "1.0"), ("max", "6.0"), ("std", "2.0615528128088303"), ("slope", "1.8"),
        ("count", "4"),
    ])
    func windowsAreCalculatedWith(_ value: String, _ expected: String) throws {
        let line = try line(#"{"name":"x","path":"features.f.x","value":"\#(value)","samples":10}"#)
        for (second, x) in [(0.0, 1), (1, 2), (2, 5), (3, 6)] { try line.send(second, #""x":\#(x)"#) }
        #expect(try questions(line).last?["features"] == json(#"{"x":\#(expected)}"#))
    }

    @Test func oneMomentHasNoSlope() throws {
        let line = try line(#"{"name":"x","path":"features.f.x","value":"slope","samples":10}"#)
        try line.send(1, #""x":1"#)
        #expect(questions(line).isEmpty)
        try line.send(2, #""x":3"#)
        #expect(try questions(line).last?["features"] == json(#"{"x":2.0}"#))
    }

    @Test func aMissingFeatureSkipsTakesItsDefaultOrTheLastValue() throws {
        let skip = try line(#"{"name":"x","path":"features.f.x"}"#)
        try skip.send(1, #""y":1"#)
        #expect(questions(skip).isEmpty && skip.count("deadLetters") == 0)

        let line = try line(
            #"{"name":"x","path":"features.f.x","missing":"default"},{"name":"w","path":"features.f.w","value":"raw","samples":5,"missing":"default","default":[]},{"name":"y","path":"features.f.y","missing":"last"}"#
        )
        try line.send(1, #""x":1"#)
        #expect(questions(line).isEmpty, "y was never there")
        try line.send(2, #""y":7"#)
        try line.send(3, #""x":null,"y":null"#)
        let all = questions(line)
        #expect(try all[0]["features"] == json(#"{"x":1,"w":[],"y":7}"#))
        #expect(try all[0]["metadata"]?.object?["missing"] == json(#"{"w":"default"}"#))
        #expect(try all[1]["features"] == json(#"{"x":null,"w":[],"y":7}"#))
        #expect(try all[1]["metadata"]?.object?["missing"] == json(#"{"x":"null","w":"default","y":"last"}"#))
    }

    @Test func wrongTypesAreCountedAndNobodysRecordIsRefused() throws {
        let line = try line(#"{"name":"x","path":"features.f.x","value":"mean","window":60000}"#)
        try line.send(1, #""x":"broken""#)
        try line.send(2, #""x":[1,2]"#)
        #expect(questions(line).isEmpty && line.count("ruleErrors") == 2)
        try line.send(3, #""x":4"#)
        #expect(try questions(line).map { $0["features"] } == [json(#"{"x":4.0}"#)])
        #expect(line.driver.deadLetters.isEmpty)
    }

    @Test func onChangeOnlyAChangedFeatureAsks() throws {
        let line = try line(#"{"name":"x","path":"features.f.x"}"#, #","trigger":"change""#)
        try line.send(1, #""x":1"#)
        try line.send(2, #""x":1,"y":2"#)
        try line.send(3, #""x":2"#)
        #expect(questions(line).map { $0["metadata"]?.object?["revision"] } == [.int(1), .int(3)])
    }

    @Test func byTimeItAsksOnceAStretchOfStreamTimeWhileEventsCome() throws {
        let line = try line(#"{"name":"x","path":"features.f.x"}"#, #","trigger":"time","every":10000"#)
        for second in 1...25 { try line.send(Double(second), #""x":\#(second)"#) }
        try line.clock(100)
        let all = questions(line)
        #expect(try all.map { $0["features"] } == [json(#"{"x":9}"#), json(#"{"x":19}"#), json(#"{"x":25}"#)])
        let metadata = try #require(all[1]["metadata"]?.object)
        #expect(metadata["time"] == .string("1970-01-01T00:00:20Z") && metadata["trigger"] == .string("time"))
        #expect(metadata["input"]?.object?["offset"] == .int(18))
        try line.clock(1000)
        #expect(questions(line).count == 3, "a silent thing has nothing new to say")
    }

    @Test func onlyTheTwinsOfTheTaskAreAskedAbout() throws {
        let line = try line(
            #"{"name":"x","path":"features.f.x"}"#, #","twins":{"namespace":"t.*","when":"features.f.on == true"}"#)
        try line.send(1, #""x":1,"on":true"#, thing: "t.a:m")
        try line.send(1, #""x":1,"on":false"#, thing: "t.b:m")
        try line.send(1, #""x":1,"on":true"#, thing: "u:m")
        try line.send(1, #""x":1"#, thing: "t.c:m")
        #expect(questions(line).map { $0["thingId"] } == [.string("t.a:m")])
    }

    @Test func typesDescend() throws {
        let line = try RuleLine(
            "ml-fan-out",
            #"{"task":"t","features":[{"name":"x","path":"attributes.x"}],"twins":{"type":"acme:machine:1.0"},"types":[{"type":"acme:filler:1.0","parent":"acme:machine:1.0"}]}"#,
            format: .ditto)
        try line.event(1, 1, "created", "/", #"{"thingId":"t:a","definition":"acme:filler:1.0","attributes":{"x":1}}"#)
        try line.event(
            2, 1, "created", "/", #"{"thingId":"t:b","definition":"acme:pump:1.0","attributes":{"x":1}}"#, thing: "t:b")
        #expect(questions(line).map { $0["thingId"] } == [.string("t:a")])
        #expect(questions(line)[0]["model"] == .string("t"), "the model has the task's name where none is given")
        try line.event(3, 2, "deleted", "/", nil)
        #expect(questions(line).count == 1, "a thing that is gone asks nothing")
    }

    @Test func whatIsWrittenBackAsksNothing() throws {
        let line = try line(#"{"name":"x","path":"features.f.x"}"#, #","writeTo":"/features/ml""#)
        try line.send(1, #""x":1"#)
        try line.driver.send(
            "events", key: "t:a", value: #"{"thingId":"t:a","features":{"ml":{"score":0.5,"label":"ok"}}}"#)
        #expect(questions(line).count == 1)
        try line.driver.send(
            "events", key: "t:a", value: #"{"thingId":"t:a","features":{"ml":{"score":0.5},"f":{"x":2}}}"#)
        #expect(questions(line).count == 2, "beside it something of the machine's own came")
    }

    @Test(arguments: TopologyDriver.Epochs.allCases)
    func aCrashChangesNothing(_ epochs: TopologyDriver.Epochs) throws {
        func run(crashes: Bool) throws -> [JSONObject] {
            let line = try RuleLine(
                "ml-fan-out",
                #"{"task":"t","features":[{"name":"w","path":"features.f.x","value":"raw","window":20000},{"name":"y","path":"features.f.y","missing":"last"}],"trigger":"time","every":3000}"#,
                epochs: epochs, cacheBytes: 1)
            try line.send(0.5, #""y":{"deep":[1,"two"]}"#)
            for second in 1...30 {
                try line.send(Double(second), second % 4 == 0 ? #""x":"text","y":null"# : #""x":\#(second)"#)
                if second % 5 == 0 { try line.driver.commit() }
                if crashes, second % 7 == 0 { try line.driver.crashAndRestart() }
                if crashes, second % 11 == 0 { try line.driver.rebalance() }
            }
            try line.driver.commit()
            return questions(line)
        }
        let calm = try run(crashes: false)
        #expect(calm.count == 10)
        #expect(try run(crashes: true) == calm)
    }

    @Test func aTaskOfTheRegistryIsInForceBetweenEpochsAndFaultsAreSaid() throws {
        let line = try RuleLine("ml-fan-out", #"{"task":"t"}"#)
        try line.send(1, #""x":1"#)
        #expect(questions(line).isEmpty)
        func set(_ settings: String) throws {
            line.driver.store.setRegistry(tasks: [
                .init(name: "t", settings: ConfigValue(json: try json(settings), at: RuleLine.mark))
            ])
            try line.driver.adoptRegistry()
        }
        try set(#"{"model":"m2","features":[{"name":"a","path":"features.f.x"}]}"#)
        try line.send(2, #""x":2"#)
        #expect(try questions(line).map { $0["features"] } == [json(#"{"a":2}"#)])
        #expect(questions(line)[0]["model"] == .string("m2"))
        try set(#"{"features":[{"name":"a","path":"features.f.x","valu":"mean"}]}"#)
        try line.send(3, #""x":3"#)
        #expect(questions(line).count == 1, "a faulty task asks nothing")
        let step = try FanOut(RuleLine.definition("ml-fan-out", #"{"task":"t"}"#))
        let problems = step.install(line.driver.store.presentRegistry)
        #expect(problems == ["nobody is asked: ml_task[t].features[0]: unknown word `valu`; did you mean `value`?"])
        try set(#"{"trigger":"time","every":10,"features":[]}"#)
        #expect(
            step.install(line.driver.store.presentRegistry) == [
                "nobody is asked: ml_task[t].every: found the number 10, expected a duration such as \"10s\""
            ])
        #expect(step.install(.empty) == ["nobody is asked: the registry has no task `t` (table ml_task)"])
    }

    @Test(arguments: [
        (#"{"task":"a b"}"#, "rules.task: found \"a b\", expected a name of letters"),
        (#"{"task":"t","model":"m"}"#, "rules.model: without `features` the task comes from the registry"),
        (#"{"task":"t","features":[]}"#, "rules.features: found a list, expected 1 to 1024 features"),
        (
            #"{"task":"t","trigger":"time","features":[{"name":"x","path":"features.f.x"}]}"#,
            "rules: `trigger: time` needs `every`"
        ),
        (
            #"{"task":"t","every":1000,"features":[{"name":"x","path":"features.f.x"}]}"#,
            "rules.every: it counts only with"
        ),
        (
            #"{"task":"t","features":[{"name":"x","path":"features.f.x","value":"mean"}]}"#,
            "rules.features[0]: `value: mean` needs a window"
        ),
        (
            #"{"task":"t","features":[{"name":"x","path":"features.f.x","window":1000}]}"#,
            "rules.features[0]: `value: last` has no window"
        ),
        (
            #"{"task":"t","features":[{"name":"x","path":"features.f.x","default":1}]}"#,
            "rules.features[0].default: it is taken only with"
        ),
        (#"{"task":"t","features":[{"name":"x","path":"features.f.x + 1"}]}"#, "rules.features[0].path: "),
        (
            #"{"task":"t","features":[{"name":"x","path":"features.f.x"},{"name":"x","path":"features.f.y"}]}"#,
            "rules.features[1].name: found \"x\", expected another name"
        ),
        (
            #"{"task":"t","writeTo":"/features/ml","features":[{"name":"x","path":"features.ml.score"}]}"#,
            "rules.features[0].path: found \"features.ml.score\", expected a path outside `writeTo`"
        ),
    ])
    func whatTheKindCannotTakeIsAFault(_ settings: String, _ message: String) throws {
        let found = try faults("ml-fan-out", settings)
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
