import EgizCore
import EgizTesting
import EgizTwin
import Testing

@testable import EgizProcessors

/// Rules and processors that go and come back, people who are late, conditions that flap.
@Suite struct RuleMendTests {
    private static let hot = #"{"name":"hot","when":"features.f.x > 80","message":"m"}"#

    private func alerts(_ rules: String, format: RecordFormat = .telemetry, store: MemoryStore = MemoryStore()) throws
        -> RuleLine
    {
        try RuleLine("alert-rule", #"{"rules":\#(rules),"to":"alerts"}"#, format: format, store: store)
    }

    private func scene(store: MemoryStore) throws -> RuleLine {
        try RuleLine(
            "binding-evaluator",
            #"{"bindings":[{"objectName":"O","target":"text","path":"features.f.x"}],"to":"bindings"}"#, store: store)
    }

    /// A version of the same topology that has no such processor, and sees one event.
    private func without(_ store: MemoryStore, at second: Int64, further: [ProcessorDefinition] = []) throws {
        let driver = TopologyDriver(topology: .testing(further: further), registry: .builtin, store: store)
        try driver.send(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":\#(second * 1000),"features":{"f":{"x":90}}}"#,
            at: EventTime(microseconds: second * 1_000_000))
    }

    private func takeOver(_ line: RuleLine) throws -> RuleLine {
        try line.driver.takeOverTasks()
        try line.driver.commit()
        return line
    }

    @Test func timersOfAProcessorThatWasAwayForAVersionAreSetAgain() throws {
        let rules = """
            [{"name":"hot","when":"features.f.x > 80","for":10000,"message":"m"},
             {"name":"silent","noData":30000,"path":"features.f.x","message":"q"}]
            """
        let store = MemoryStore()
        let before = try alerts(rules, store: store)
        try before.send(1, #""x":90"#)
        // Another processor with a state: what is due meanwhile and has no processor is dropped.
        let other = ProcessorDefinition(
            name: "scene", kind: "binding-evaluator", from: "twins",
            settings: try RuleLine.settings(
                #"{"bindings":[{"objectName":"O","target":"text","path":"features.f.x"}],"to":"bindings"}"#),
            mark: RuleLine.mark)
        try without(store, at: 100, further: [other])
        let after = try takeOver(try alerts(rules, store: store))
        try after.clock(101)
        #expect(after.alerts == ["hot hot warning raised 11..", "silent silent warning raised 31.."])
    }

    @Test func aSilenceThatIsMadeShorterIsNoticedInTime() throws {
        func rule(_ milliseconds: Int) -> String {
            #"[{"name":"silent","noData":\#(milliseconds),"path":"features.f.x","message":"q"},{"name":"still","noData":86400000,"message":"q"}]"#
        }
        let store = MemoryStore()
        try alerts(rule(86_400_000), store: store).send(1, #""x":10"#)
        let shorter = try takeOver(try alerts(rule(10_000), store: store))
        try shorter.clock(30)
        #expect(shorter.alerts == ["silent silent warning raised 11.."])
        try shorter.clock(86_401)
        #expect(shorter.alerts.last == "still still warning raised 86401..", "the timer that both had is still there")
    }

    @Test func aConditionThatFailsWhileItIsWaitedForIsNotKnownToHold() throws {
        let line = try alerts(#"[{"name":"hot","when":"features.f.x > 80","for":10000,"message":"m"}]"#)
        try line.send(1, #""x":90"#)
        try line.send(2, #""x":"broken""#)
        try line.clock(20)
        #expect(line.alerts.isEmpty && line.count("ruleErrors") == 1 && line.count("ticks") == 0)
        try line.send(21, #""x":90"#)
        try line.clock(31)
        #expect(line.alerts == ["hot hot warning raised 31.."])
    }

    @Test func rulesThatAllWentAndCameBackLookAtEverythingAgain() throws {
        let store = MemoryStore()
        let before = try alerts("[\(Self.hot)]", store: store)
        try before.send(1, #""x":10"#)
        try without(store, at: 2)
        let after = try takeOver(try alerts("[\(Self.hot)]", store: store))
        #expect(after.alerts == ["hot hot warning raised 2.."])
    }

    @Test func alertsOfAProcessorThatIsGoneEnd() throws {
        let store = MemoryStore()
        let before = try alerts("[\(Self.hot)]", store: store)
        try before.send(1, #""x":90"#)
        #expect(before.alerts == ["hot hot warning raised 1.."])
        try without(store, at: 50)
        #expect(before.alerts == ["hot hot warning cleared 1..1"])
        #expect(store.allStates.isEmpty)
        let after = try takeOver(try alerts("[\(Self.hot)]", store: store))
        #expect(after.alerts == ["hot hot warning cleared 1..1", "hot hot warning raised 50.."])
    }

    @Test func propertiesThatAProcessorSetGoWithItAndComeBackWithIt() throws {
        let store = MemoryStore()
        let before = try scene(store: store)
        try before.send(1, #""x":90"#)
        #expect(before.scene == [#"t:a O text "90""#])
        try without(store, at: 2)
        #expect(before.scene == [])
        let after = try takeOver(try scene(store: store))
        #expect(after.scene == [#"t:a O text "90""#], "although the value is what it was")
    }

    @Test func whatIsAskedOfAnOlderAlertDoesNotReachANewerOne() throws {
        let line = try alerts("[\(Self.hot)]")
        let thing = try ThingID(validating: "t:a")
        try line.send(1, #""x":90"#)
        try line.send(2, #""x":10"#)
        try line.send(3, #""x":90"#)
        for action in ["acknowledge", "clear"] {
            try line.driver.send(
                action, to: "rules", thing: thing, subject: "hot", raisedAt: EventTime(microseconds: 1_000_000))
        }
        #expect(line.alerts.last == "hot hot warning raised 3..")
        #expect(line.driver.store.waitingMessages.isEmpty)
        try line.driver.send(
            "acknowledge", to: "rules", thing: thing, subject: "hot", raisedAt: EventTime(microseconds: 3_000_000))
        #expect(line.alerts.last == "hot hot warning acknowledged 3..")
    }

    @Test func anEmptyObjectThatComesOrGoesWakesRules() throws {
        let line = try alerts(#"[{"name":"there","when":"exists(features.f.o)","message":"m"}]"#, format: .ditto)
        try line.event(1, 1, "created", "/", #"{"thingId":"t:a","features":{"f":{"properties":{"x":1}}}}"#)
        try line.event(2, 2, "modified", "/features/f/properties/o", "{}")
        #expect(line.alerts == ["there there warning raised 2.."])
        try line.event(3, 3, "deleted", "/features/f/properties/o", nil)
        #expect(line.alerts == ["there there warning cleared 2..3"])
        let scene = try RuleLine(
            "binding-evaluator",
            #"{"bindings":[{"objectName":"O","target":"visibility","expression":"exists(features.f.o)"}],"to":"b"}"#)
        try scene.send(1, #""x":1"#)
        try scene.send(2, #""o":{}"#)
        #expect(scene.scene == ["t:a O visibility true"])
        try scene.send(3, #""o":null"#)
        #expect(scene.scene == ["t:a O visibility false"])
    }

    @Test func aConditionThatFlapsLeavesNoTimers() throws {
        let line = try alerts(#"[{"name":"hot","when":"features.f.x > 80","for":10000,"message":"m"}]"#)
        for second in 1...20 { try line.send(Double(second) / 4, #""x":\#(second % 2 == 0 ? 10 : 90)"#) }
        let home = try #require(line.driver.store.twin(try ThingID(validating: "t:a"))?.home)
        #expect(line.driver.store.allTimers(of: home).isEmpty)
        try line.clock(100)
        #expect(line.count("ticks") == 0)
        #expect(line.alerts.isEmpty)
    }

    @Test func aTimerStaysWhileAnotherRuleWaitsForIt() throws {
        let line = try alerts(
            """
            [{"name":"a","when":"features.f.x > 80","for":10000,"message":"m"},
             {"name":"b","when":"features.f.y > 80","for":10000,"message":"m"}]
            """)
        try line.send(1, #""x":90,"y":90"#)
        try line.send(5, #""x":10"#)
        try line.clock(11)
        #expect(line.alerts == ["b b warning raised 11.."])
    }

    @Test func onlyRulesThatNameAThingOrNoneAreLookedAtForIt() throws {
        var selectors = try (0..<1000).map { number in
            try TwinSelector(
                SettingsReader(
                    ConfigValue(.map([("thing", RuleLine.mark, text("t:m\(number)"))]), at: RuleLine.mark), path: "x"))
        }
        for (place, words) in [(3, "t:*"), (700, "*:m5")] {
            selectors[place] = try TwinSelector(
                SettingsReader(
                    ConfigValue(.map([("thing", RuleLine.mark, text(words))]), at: RuleLine.mark), path: "x"))
        }
        let places = RulePlaces(selectors)
        #expect(places.of(try ThingID(validating: "t:m5")) == [3, 5, 700])
        #expect(places.of(try ThingID(validating: "t:none")) == [3, 700])
    }

    @Test func aMarginWithoutEndIsNone() throws {
        let words = ["name": "a", "message": "m", "when": "features.f.x > 1"].map { word in
            (key: word.key, mark: RuleLine.mark, value: text(word.value))
        }
        for (margin, isTaken) in [(Double.infinity, false), (.nan, false), (-1, false), (1, true)] {
            let value = ConfigValue(.double(margin), at: RuleLine.mark)
            let map = words + [(key: "margin", mark: RuleLine.mark, value: value)]
            let rule = try? AlertCondition(SettingsReader(ConfigValue(.map(map), at: RuleLine.mark), path: "x"))
            #expect((rule != nil) == isTaken, "\(margin)")
        }
    }

    @Test func rulesOfSingleThingsAreTheirsAlone() throws {
        var rules = (0..<200).map { number in
            #"{"name":"own\#(number)","thing":"t:m\#(number)","when":"features.f.x > \#(number)","message":"m"}"#
        }
        rules.insert(#"{"name":"none","when":"features.f.x > 1000","message":"m"}"#, at: 100)
        rules.append(#"{"name":"all","namespace":"t","when":"features.f.x > 150","message":"m"}"#)
        let line = try alerts("[\(rules.joined(separator: ","))]")
        for thing in ["t:m7", "t:m199", "t:other"] { try line.send(1, #""x":160"#, thing: thing) }
        let found = line.driver.store.allAlerts.map { "\($0.thing) \($0.rule)" }
        #expect(found == ["t:m199 all", "t:m7 all", "t:m7 own7", "t:other all"])
    }

    private func text(_ text: String) -> ConfigValue { ConfigValue(.string(text), at: RuleLine.mark) }
}
