import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct BindingEvaluatorTests {
    private func line(
        _ bindings: String, types: String = "[]", format: RecordFormat = .telemetry,
        epochs: TopologyDriver.Epochs = .eachRecord, cacheBytes: Int = .max, store: MemoryStore = MemoryStore()
    ) throws -> RuleLine {
        try RuleLine(
            "binding-evaluator", #"{"bindings":\#(bindings),"types":\#(types),"registry":true,"to":"bindings"}"#,
            format: format, epochs: epochs, cacheBytes: cacheBytes, store: store)
    }

    @Test(
        arguments: [
            (##""target":"color","range":{"in":[0,100],"out":["#000000","#ff8040"]}"##, "50", ##""#804020""##),
            (##""target":"color","range":{"in":[0,100],"out":["black","#fff"]}"##, "200", ##""#ffffff""##),
            (##""target":"color","range":{"in":[0,100],"out":["#00000000","#FFF"]}"##, "50", ##""#80808080""##),
            (##""target":"color","range":{"in":[0,100],"out":["#1a2b3c","#1A2B3CFF"]}"##, "0", ##""#1a2b3cff""##),
            (#""target":"opacity","range":{"in":[0,10],"out":[1,0]}"#, "2.5", "0.75"),
            (#""target":"position.y","range":{"in":[0,10],"out":[0,1],"clamp":false}"#, "20", "2"),
            (#""target":"position","range":{"in":[0,10],"out":[[0,0,0],[1,2,3]]}"#, "5", "[0.5,1,1.5]"),
            (
                #""target":"color","steps":[{"from":0,"value":"green"},{"from":50,"value":"red"}]"#, "50",
                ##""#ff0000""##
            ),
            (#""target":"color","steps":[{"from":0,"value":"green"}],"default":"gray""#, "-1", ##""#808080""##),
            (#""target":"visibility","map":{"open":true,"shut":false}"#, #""shut""#, "false"),
            (#""target":"animation","map":{"3":"spin","true":"stop"}"#, "3", #""spin""#),
            (#""target":"animation","map":{"3":"spin","true":"stop"}"#, "true", #""stop""#),
            (
                #""target":"text","expression":"null","map":{"null":"nothing"},"default":"else""#, "1", #""nothing""#
            ),
            (#""target":"text","format":"{value:.1} of {name}","unit":"bar""#, "1.25", #""1.3 of a bar""#),
            (#""target":"text""#, "2.50", #""2.5""#), (#""target":"material.roughness""#, "0.25", "0.25"),
            (#""target":"scale","expression":"value * 2""#, "3", "6"),
            (#""target":"emissive""#, #""orange""#, ##""#ffa500""##),
        ])
    func aMappingGivesTheValueOfAProperty(_ words: String, _ input: String, _ expected: String) throws {
        let line = try line(#"[{"objectName":"O","path":"features.f.x",\#(words)}]"#)
        try line.send(1, #""x":\#(input)"#)
        #expect(line.driver.store.allScenes.map(\.value) == [expected])
        #expect(line.count("ruleErrors") == 0)
    }

    @Test func aValueIsWrittenAndToldOnlyWhenItChanges() throws {
        let line = try line(
            #"[{"objectName":"O","target":"color","path":"features.f.x","steps":[{"from":0,"value":"green"},{"from":50,"value":"red"}]}]"#
        )
        for (second, x) in [(1, 10), (2, 11), (3, 60), (4, 70), (5, 10)] {
            try line.send(Double(second), #""x":\#(x)"#)
        }
        try line.send(6, #""y":1"#)
        #expect(line.scene == [##"t:a O color "#008000""##])
        #expect(line.count("bindings") == 3)
        let row = try #require(line.driver.store.allScenes.first)
        #expect(row.revision == 5 && row.cause == InputPosition(topic: "events", partition: 0, offset: 4))
        let told = line.emitted("bindings").compactMap { $0["value"]?.string }
        #expect(told == ["#008000", "#ff0000", "#008000"])
        #expect(
            line.driver.emitted.last?.value.map { String(decoding: $0, as: UTF8.self) }
                == ##"{"thingId":"t:a","objectName":"O","target":"color","value":"#008000","revision":5,"time":"1970-01-01T00:00:05Z","cause":{"topic":"events","partition":0,"offset":4}}"##
        )
    }

    @Test func hysteresisKeepsAStepUntilTheValueIsWellBelowIt() throws {
        let line = try line(
            #"[{"objectName":"O","target":"text","path":"features.f.x","hysteresis":5,"steps":[{"from":0,"value":"a"},{"from":50,"value":"b"},{"from":90,"value":"c"}]}]"#
        )
        var seen: [String] = []
        for (second, x) in [49, 50, 46, 45, 44.9, 95, 86, 60, 44].enumerated() {
            try line.send(Double(second + 1), #""x":\#(x)"#)
            seen.append(line.driver.store.allScenes.first?.value ?? "-")
        }
        #expect(seen == ["a", "b", "b", "b", "a", "c", "c", "b", "a"].map { "\"\($0)\"" })
    }

    @Test func aWrongValueShowsTheDefaultIsCountedAndIsNoDeadLetter() throws {
        let line = try line(
            #"[{"objectName":"O","target":"color","path":"features.f.x","default":"gray"},{"objectName":"P","target":"opacity","path":"features.f.x"}]"#
        )
        try line.send(1, #""x":"red""#)
        #expect(line.scene == [##"t:a O color "#ff0000""##])
        try line.send(2, #""x":{"deep":1}"#)
        try line.send(3, #""x":7"#)
        #expect(line.scene == [##"t:a O color "#808080""##])
        #expect(line.count("ruleErrors") == 5, "the text, the object and the number, of which only the colour took one")
        #expect(line.driver.deadLetters.isEmpty)
        try line.send(4, #""x":0.5"#)
        #expect(line.scene == [##"t:a O color "#808080""##, "t:a P opacity 0.5"])
    }

    @Test func whatNeedsNoPathThatChangedIsNotTouched() throws {
        let line = try line(#"[{"objectName":"O","target":"text","expression":"text(features.f.x + features.f.y)"}]"#)
        try line.send(1, #""x":1"#)
        #expect(line.scene.isEmpty)
        try line.send(2, #""y":2"#)
        #expect(line.scene == [#"t:a O text "3""#])
        try line.send(3, #""z":9"#)
        #expect(line.driver.store.allScenes.first?.revision == 2)
    }

    @Test func bindingsComeFromTheTypeItsParentsAndTheThingTheNearestCounts() throws {
        let line = try line(
            """
            [{"objectName":"O","target":"text","expression":"\\"all\\""},
             {"objectName":"O","target":"text","expression":"\\"machine\\"","type":"x:machine:*"},
             {"objectName":"O","target":"text","expression":"\\"filler\\"","type":"x:filler:1"},
             {"objectName":"O","target":"text","expression":"\\"mine\\"","thing":"t:mine"},
             {"objectName":"P","target":"text","expression":"\\"hall\\"","namespace":"hall*"}]
            """, types: #"[{"type":"x:filler:1","parent":"x:machine:1"}]"#, format: .ditto)
        for (thing, definition) in [
            ("t:a", "x:filler:1"), ("t:b", "x:machine:2"), ("hall3:c", "y:z:1"), ("t:mine", "x:filler:1"),
        ] {
            try line.event(
                1, 1, "created", "/", #"{"thingId":"\#(thing)","definition":"\#(definition)"}"#, thing: thing)
        }
        #expect(
            line.scene == [
                #"hall3:c O text "all""#, #"hall3:c P text "hall""#, #"t:a O text "filler""#, #"t:b O text "machine""#,
                #"t:mine O text "mine""#,
            ])
        try line.event(2, 2, "modified", "/definition", #""x:machine:1""#)
        #expect(line.scene.contains(#"t:a O text "machine""#), "another definition, other bindings")
    }

    @Test func aDeletedThingHasNoScene() throws {
        let line = try line(
            #"[{"objectName":"O","target":"text","path":"features.f.x","default":"none"}]"#, format: .ditto)
        try line.event(1, 1, "created", "/", #"{"thingId":"t:a","features":{"f":{"properties":{"x":1}}}}"#)
        try line.event(2, 2, "deleted", "/features/f/properties/x", nil)
        #expect(line.scene == [#"t:a O text "none""#])
        try line.event(3, 3, "deleted", "/", nil)
        #expect(line.scene.isEmpty)
        #expect(line.emitted("bindings").last?["value"] == .null)
    }

    // MARK: The registry

    private func binding(_ id: Int64, type: String? = nil, thing: String? = nil, _ json: String) throws
        -> RuleRegistry.Binding
    {
        RuleRegistry.Binding(
            id: id, type: type, thing: thing,
            settings: ConfigValue(json: try JSONParser().parse(Array(json.utf8)), at: RuleLine.mark))
    }

    @Test func aChangedRegistryReachesThingsOfWhichNoEventComes() throws {
        let line = try line(#"[{"objectName":"O","target":"text","path":"features.f.x"}]"#)
        for thing in ["t:a", "t:b", "t:c"] { try line.send(1, #""x":1"#, thing: thing) }
        line.driver.store.setRegistry(bindings: [
            try binding(
                1, thing: "t:b", #"{"objectName":"P","target":"color","path":"features.f.x","map":{"1":"red"}}"#),
            try binding(2, thing: "t:c", #"{"objectName":"P","target":"colour","path":"features.f.x"}"#),
            try binding(3, thing: "t:c", #"{"objectName":"P","target":"text","pth":"features.f.x"}"#),
        ])
        #expect(line.scene.count == 3, "nothing is in force before somebody looks")
        try line.driver.adoptRegistry()
        #expect(
            line.scene == [
                #"t:a O text "1""#, #"t:b O text "1""#, ##"t:b P color "#ff0000""##, #"t:c O text "1""#,
            ])
        let row = try #require(line.driver.store.allScenes.first { $0.object == "P" })
        #expect(row.cause == nil && row.revision == 1)
        let task = TaskID(stage: line.driver.topology.stages[0].name, partition: 0)
        let rules = try #require(line.driver.store.task(task)?.rules)
        #expect(rules.version == 1 && rules.reviewedThrough == nil)
        #expect(line.count("reviewed") == 3)

        line.driver.store.setRegistry(bindings: [])
        try line.driver.adoptRegistry()
        #expect(line.scene.count == 3, "a binding that is gone takes its property with it")
        #expect(line.emitted("bindings").last?["value"] == .null)
    }

    @Test func aRegistryWithoutAnotherRuleReviewsNothing() throws {
        let line = try line(#"[{"objectName":"O","target":"text","path":"features.f.x"}]"#)
        try line.send(1, #""x":1"#)
        line.driver.store.setRegistry(bindings: [])
        try line.driver.adoptRegistry()
        #expect(line.count("reviewed") == 0)
        let task = TaskID(stage: line.driver.topology.stages[0].name, partition: 0)
        #expect(line.driver.store.task(task)?.rules?.version == 1, "the version in force is stored all the same")
    }

    @Test func anotherTopologyVersionReviewsTheThingsOfTheOneBefore() throws {
        let store = MemoryStore()
        let before = try line(#"[{"objectName":"O","target":"text","path":"features.f.x"}]"#, store: store)
        try before.send(1, #""x":1"#)
        let after = try line(#"[{"objectName":"P","target":"text","path":"features.f.x"}]"#, store: store)
        try after.driver.takeOverTasks()
        try after.driver.commit()
        #expect(after.scene == [#"t:a P text "1""#])
    }

    // MARK: Whatever happens in between

    /// Crashes, lost answers, tiny caches and cuts into epochs change nothing.
    @Test(arguments: 0..<20)
    func scenesEqualASimpleRunWhateverHappensInBetween(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let bindings = """
            [{"objectName":"O","target":"color","path":"features.f.x","steps":[{"from":0,"value":"green"},{"from":5,"value":"red"}],"hysteresis":2,"default":"gray"},
             {"objectName":"P","target":"text","expression":"(features.f.y ?? 0) > 3 ? name : 'low'"},
             {"objectName":"Q","target":"scale","path":"features.f.x","range":{"in":[0,10],"out":[0,1]}}]
            """
        let plain = try line(bindings)
        let rough = try line(bindings, epochs: .explicit, cacheBytes: 1)
        for n in 1..<60 {
            let thing = "t:m\(Int.random(in: 0..<3, using: &random))"
            let value = Bool.random(using: &random) ? "\(Int.random(in: -2...9, using: &random))" : "\"text\""
            let members = Bool.random(using: &random) ? #""x":\#(value)"# : #""y":\#(value)"#
            try plain.send(Double(n), members, thing: thing)
            try rough.send(Double(n), members, thing: thing)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try rough.driver.commit()
            case 1: try rough.driver.crashAndRestart()
            case 2: rough.driver.loseAnswers(1)
            case 3: try rough.driver.rebalance()
            default: break
            }
        }
        try rough.driver.commit()
        #expect(rough.driver.store.allScenes == plain.driver.store.allScenes)
        #expect(rough.driver.emitted.map(\.id).count == Set(rough.driver.emitted.map(\.id)).count)
        #expect(rough.driver.emitted.map(\.value) == plain.driver.emitted.map(\.value))
        for name in ["bindings", "ruleErrors"] { #expect(rough.count(name) == plain.count(name), "\(name)") }
    }

    // MARK: Faults

    @Test(
        arguments: [
            (#"{"target":"color","path":"features.f.x"}"#, "objectName"),
            (#"{"objectName":"O","target":"colr","path":"features.f.x"}"#, "did you mean `color`?"),
            (#"{"objectName":"O","target":"color"}"#, "found neither `path` nor `expression`"),
            (#"{"objectName":"O","target":"color","path":"features.f.x + 1"}"#, "found a calculation, expected a path"),
            (#"{"objectName":"O","target":"color","path":"/feature/x"}"#, "no JSON pointer into a thing"),
            (#"{"objectName":"O","target":"color","expression":"value + 1"}"#, "`value` is the value of `path`"),
            (#"{"objectName":"O","target":"color","expression":"features.f."}"#, "column 11"),
            (#"{"objectName":"O","target":"color","path":"features.f.x","default":"rde"}"#, "did you mean `red`?"),
            (#"{"objectName":"O","target":"opacity","path":"features.f.x","default":2}"#, "a number from 0 to 1"),
            (
                #"{"objectName":"O","target":"text","path":"features.f.x","map":{"a":"b"},"format":"x"}"#,
                "expected one of"
            ),
            (
                #"{"objectName":"O","target":"color","path":"features.f.x","range":{"in":[1,1],"out":["red","blue"]}}"#,
                "two different numbers"
            ),
            (
                #"{"objectName":"O","target":"position.x","path":"features.f.x","range":{"in":[0,1],"out":[1,"red"]}}"#,
                "two numbers, two colours"
            ),
            (
                #"{"objectName":"O","target":"text","path":"features.f.x","steps":[{"from":2,"value":"a"},{"from":1,"value":"b"}]}"#,
                "a number above 2"
            ),
            (#"{"objectName":"O","target":"text","path":"features.f.x","hysteresis":1}"#, "only beside `steps`"),
            (#"{"objectName":"O","target":"text","path":"features.f.x","unit":"K"}"#, "only beside `format`"),
        ])
    func aBindingThatMakesNoSenseIsRefused(_ binding: String, _ part: String) throws {
        let found = try faults("binding-evaluator", #"{"bindings":[\#(binding)],"registry":true}"#)
        #expect(found.count == 1 && found[0].contains(part), "\(found)")
        #expect(found.first?.contains("rules.bindings[0]") == true, "\(found)")
    }

    @Test func typesThatDescendFromThemselvesAreRefused() throws {
        let found = try faults(
            "binding-evaluator",
            #"{"bindings":[],"types":[{"type":"a:b:1","parent":"c:d:1"},{"type":"c:d:1","parent":"a:b:1"}]}"#)
        #expect(found.count == 1 && found[0].contains("descends from itself"), "\(found)")
    }

    @Test func aRangeWiderThanFloat8ShowsTheDefaultAndIsCounted() throws {
        let line = try line(
            ##"[{"objectName":"O","path":"features.f.x","target":"color","range":{"in":[-1e308,1e308],"out":["red","blue"]},"default":"gray"}]"##
        )
        try line.send(1, #""x":9e307"#)
        #expect(line.driver.store.allScenes.map(\.value) == [##""#808080""##])
        #expect(line.count("ruleErrors") == 1)
    }
}
