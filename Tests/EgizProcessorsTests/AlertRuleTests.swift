import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct AlertRuleTests {
    private func line(
        _ rules: String, format: RecordFormat = .telemetry, epochs: TopologyDriver.Epochs = .eachRecord,
        cacheBytes: Int = .max, store: MemoryStore = MemoryStore()
    ) throws -> RuleLine {
        try RuleLine(
            "alert-rule", #"{"rules":\#(rules),"to":"alerts"}"#, format: format, epochs: epochs, cacheBytes: cacheBytes,
            store: store)
    }

    private static let hot = #"{"name":"hot","when":"features.f.x > 80","message":"{thingId} at {features.f.x:.1}"}"#

    @Test func aConditionRaisesAnAlertAndItsEndClearsIt() throws {
        let line = try line("[\(Self.hot)]")
        try line.send(1, #""x":80"#)
        #expect(line.alerts.isEmpty)
        try line.send(2, #""x":81.25"#)
        #expect(line.alerts == ["hot hot warning raised 2.."])
        #expect(line.driver.store.allAlerts.first?.message == "t:a at 81.3")
        try line.send(3, #""x":90"#)
        try line.send(4, #""x":70"#)
        #expect(line.alerts == ["hot hot warning cleared 2..4"])
        try line.send(5, #""x":99"#)
        #expect(line.alerts == ["hot hot warning cleared 2..4", "hot hot warning raised 5.."])
        #expect(line.emitted("alerts").map { $0["event"]?.string } == ["raised", "cleared", "raised"])
        #expect(line.count("alerts") == 2)
        #expect(
            line.driver.emitted.first?.value.map { String(decoding: $0, as: UTF8.self) }
                == #"{"event":"raised","thingId":"t:a","key":"hot","rule":"hot","severity":"warning","state":"raised","message":"t:a at 81.3","raisedAt":"1970-01-01T00:00:02Z","time":"1970-01-01T00:00:02Z","revision":2,"cause":{"topic":"events","partition":0,"offset":1}}"#
        )
    }

    @Test func aConditionMustHoldForAsLongAsTheRuleSays() throws {
        let line = try line(#"[{"name":"hot","when":"features.f.x > 80","for":10000,"message":"m"}]"#)
        try line.send(1, #""x":90"#)
        try line.send(5, #""x":70"#)
        try line.clock(30)
        #expect(line.alerts.isEmpty, "it ended before")
        try line.send(40, #""x":90"#)
        try line.send(45, #""x":95"#)
        try line.clock(49)
        #expect(line.alerts.isEmpty)
        try line.clock(50)
        #expect(line.alerts == ["hot hot warning raised 50.."])
        #expect(line.driver.store.allAlerts.first?.cause == nil, "a timer raised it")
    }

    @Test func theTimerFiresBeforeTheRecordThatEndsTheCondition() throws {
        let line = try line(#"[{"name":"hot","when":"features.f.x > 80","for":10000,"message":"{features.f.x}"}]"#)
        try line.send(1, #""x":90"#)
        try line.send(20, #""x":10"#)
        #expect(line.alerts == ["hot hot warning cleared 11..20"])
        #expect(line.driver.store.allAlerts.first?.message == "90", "what it was when it was raised")
    }

    @Test(
        arguments: [
            (#""clear":"features.f.x < 75""#, [81, 76, 75, 74.5], 4), (#""margin":5"#, [81, 76, 75.1, 75], 4),
            (#""margin":0"#, [81, 80.5, 80, 79], 3), ("", [81, 80.5, 80, 79], 3),
        ] as [(String, [Double], Int)])
    func hysteresisIsAConditionOrAMargin(_ words: String, _ values: [Double], _ end: Int) throws {
        let line = try line(
            #"[{"name":"hot","when":"features.f.x > 80","message":"m"\#(words.isEmpty ? "" : ","+words)}]"#)
        for (index, value) in values.enumerated() { try line.send(Double(index + 1), #""x":\#(value)"#) }
        #expect(line.alerts == ["hot hot warning cleared 1..\(end)"])
    }

    @Test func rulesWithOneKeyShareAnAlertOfTheHighestSeverity() throws {
        let line = try line(
            """
            [{"name":"warm","key":"heat","when":"features.f.x > 70","severity":"warning","message":"warm"},
             {"name":"hot","key":"heat","when":"features.f.x > 80","severity":"critical","message":"hot"},
             {"name":"high","key":"level of {features.f.side}","when":"features.f.y > 1","severity":"info","message":"high"}]
            """)
        try line.send(1, #""x":75,"y":2,"side":"left""#)
        #expect(line.alerts == ["heat warm warning raised 1..", "level of left high info raised 1.."])
        try line.send(2, #""x":85"#)
        try line.send(3, #""x":75"#)
        try line.send(4, #""x":10,"side":"right""#)
        #expect(line.alerts == ["heat warm warning cleared 1..4", "level of left high info raised 1.."])
        let heat = line.emitted("alerts").filter { $0["key"]?.string == "heat" }
        let told = heat.map { record in
            let (event, message) = (record["event"]?.string ?? "", record["message"]?.string ?? "")
            return "\(event) \(message)"
        }
        #expect(told == ["raised warm", "updated hot", "updated warm", "cleared warm"])
    }

    @Test func silenceIsMeasuredInStreamTimeAndEndsWithData() throws {
        let line = try line(#"[{"name":"silent","noData":30000,"severity":"error","message":"quiet"}]"#)
        try line.send(0, #""x":1"#)
        try line.send(20, #""x":1"#)
        try line.send(25, #""x":1"#, thing: "t:b")
        try line.clock(49)
        #expect(line.alerts.isEmpty)
        try line.clock(60)
        #expect(line.alerts == ["silent silent error raised 50..", "silent silent error raised 55.."])
        try line.send(61, #""x":1"#)
        #expect(line.alerts == ["silent silent error cleared 50..61", "silent silent error raised 55.."])
        try line.clock(91)
        #expect(line.alerts.contains("silent silent error raised 91.."))
    }

    @Test func silenceOfAPathIsBrokenOnlyByThatPath() throws {
        let line = try line(#"[{"name":"silent","noData":30000,"path":"features.f.x","message":"quiet"}]"#)
        try line.send(0, #""x":1"#)
        try line.send(20, #""y":1"#)
        try line.send(31, #""y":1"#)
        #expect(line.alerts == ["silent silent warning raised 30.."])
        try line.send(32, #""x":1"#)
        #expect(line.alerts == ["silent silent warning cleared 30..32"])
    }

    @Test func aDeletedThingHasNoAlertsAndIsNotSilent() throws {
        let line = try line(
            "[\(Self.hot),{\"name\":\"silent\",\"noData\":30000,\"message\":\"quiet\"}]", format: .ditto)
        try line.event(1, 1, "created", "/", #"{"thingId":"t:a","features":{"f":{"properties":{"x":90}}}}"#)
        #expect(line.alerts == ["hot hot warning raised 1.."])
        try line.event(2, 2, "deleted", "/", nil)
        try line.clock(100)
        #expect(line.alerts == ["hot hot warning cleared 1..2"])
        #expect(line.driver.store.allStates.isEmpty)
    }

    @Test func aWrongValueIsCountedAndLeavesTheAlertAsItIs() throws {
        let line = try line("[\(Self.hot)]")
        try line.send(1, #""x":90"#)
        try line.send(2, #""x":"ninety""#)
        #expect(line.alerts == ["hot hot warning raised 1.."])
        #expect(line.count("ruleErrors") == 1)
        #expect(line.driver.deadLetters.isEmpty)
        try line.send(3, #""x":null"#)
        #expect(line.alerts == ["hot hot warning cleared 1..3"], "what is not there is no reason for an alert")
    }

    @Test func peopleAcknowledgeAndClear() throws {
        let line = try line("[\(Self.hot)]")
        let thing = try ThingID(validating: "t:a")
        try line.send(1, #""x":90"#)
        try line.driver.send("acknowledge", to: "rules", thing: thing, subject: "hot", by: "maria")
        #expect(line.alerts == ["hot hot warning acknowledged 1.."])
        #expect(line.driver.store.allAlerts.first?.acknowledgedBy == "maria")
        try line.driver.send("acknowledge", to: "rules", thing: thing, subject: "none", by: "maria")
        try line.driver.send("clear", to: "rules", thing: thing, subject: "hot", by: "maria")
        try line.send(2, #""x":91"#)
        #expect(line.alerts == ["hot hot warning cleared 1..1"], "the condition has not ended")
        try line.send(3, #""x":1"#)
        try line.send(4, #""x":91"#)
        #expect(line.alerts.last == "hot hot warning raised 4..")
        #expect(line.driver.store.waitingMessages.isEmpty)
        #expect(line.count("messages") == 3)
        #expect(line.emitted("alerts").map { $0["event"]?.string } == ["raised", "acknowledged", "cleared", "raised"])
        #expect(Set(line.driver.emitted.map(\.id)).count == line.driver.emitted.count)
    }

    @Test func whatGetsWorseIsToBeSeenAgain() throws {
        let line = try line(
            """
            [{"name":"warm","key":"heat","when":"features.f.x > 70","message":"warm"},
             {"name":"hot","key":"heat","when":"features.f.x > 80","severity":"error","message":"hot"}]
            """)
        try line.send(1, #""x":75"#)
        try line.driver.send("acknowledge", to: "rules", thing: try ThingID(validating: "t:a"), subject: "heat")
        try line.send(2, #""x":85"#)
        #expect(line.alerts == ["heat hot error raised 1.."])
    }

    @Test func anotherTopologyVersionSettlesTheAlertsOfRulesThatAreGone() throws {
        let store = MemoryStore()
        let before = try line("[\(Self.hot)]", store: store)
        try before.send(1, #""x":90"#)
        let after = try line(#"[{"name":"cold","when":"features.f.x > 5","message":"m"}]"#, store: store)
        try after.driver.takeOverTasks()
        try after.driver.commit()
        #expect(after.alerts == ["cold cold warning raised 1..", "hot hot warning cleared 1..1"])
    }

    @Test(arguments: 0..<20)
    func alertsEqualASimpleRunWhateverHappensInBetween(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let rules = """
            [{"name":"warm","key":"heat","when":"features.f.x > 4","margin":1,"for":3000,"message":"{features.f.x}"},
             {"name":"hot","key":"heat","when":"features.f.x > 7","severity":"error","message":"hot"},
             {"name":"both","when":"features.f.x + features.f.y > 9","clear":"features.f.y < 2","message":"b"},
             {"name":"sum","when":"features.f.x / features.f.y > 1","message":"s"},
             {"name":"still","noData":7000,"path":"features.f.x","message":"no x"},
             {"name":"silent","noData":6000,"message":"quiet"}]
            """
        let plain = try line(rules)
        let rough = try line(rules, epochs: .explicit, cacheBytes: 1)
        var second: Double = 0
        for _ in 1..<80 {
            second += Double(Int.random(in: 1...8, using: &random)) / 4
            let thing = "t:m\(Int.random(in: 0..<3, using: &random))"
            let members = #""\#(Bool.random(using: &random) ? "x" : "y")":\#(Int.random(in: 0...9, using: &random))"#
            try plain.send(second, members, thing: thing)
            try rough.send(second, members, thing: thing)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try rough.driver.commit()
            case 1: try rough.driver.crashAndRestart()
            case 2: rough.driver.loseAnswers(1)
            case 3: try rough.driver.rebalance()
            default: break
            }
        }
        try rough.driver.commit()
        #expect(rough.driver.store.allAlerts == plain.driver.store.allAlerts)
        #expect(rough.driver.emitted.map(\.value) == plain.driver.emitted.map(\.value))
        for name in ["alerts", "ruleErrors", "ticks"] { #expect(rough.count(name) == plain.count(name), "\(name)") }
        #expect(plain.count("ruleErrors") > 0)
        #expect(plain.driver.store.allAlerts.contains { $0.state == .cleared }, "the run says little")
    }

    @Test(
        arguments: [
            (#"{"name":"a","message":"m"}"#, "found neither `when` nor `noData`"),
            (#"{"name":"a","message":"m","when":"true","noData":1000}"#, "found both `when` and `noData`"),
            (#"{"name":"a","message":"m","when":"features.f.x >"}"#, "column 15"),
            (#"{"name":"a","message":"{featurs.f.x}","when":"true"}"#, "did you mean `features`?"),
            (#"{"name":"a","message":"m","when":"true","margin":1}"#, "needs a comparison"),
            (
                #"{"name":"a","message":"m","when":"features.f.x > 1","margin":1,"clear":"true"}"#,
                "stands beside `clear`"
            ),
            (#"{"name":"a","message":"m","noData":1000,"clear":"true"}"#, "only beside `when`"),
            (#"{"name":"a","message":"m","noData":0}"#, "above zero"),
            (#"{"name":"a","message":"m","when":"true","path":"features.f.x"}"#, "only beside `noData`"),
            (#"{"name":"a","message":"m","when":"true","severity":"bad"}"#, "info, warning, error, critical"),
        ])
    func aRuleThatMakesNoSenseIsRefused(_ rule: String, _ part: String) throws {
        let found = try faults("alert-rule", #"{"rules":[\#(rule)]}"#)
        #expect(found.count == 1 && found[0].contains(part), "\(found)")
        #expect(found.first?.contains("rules.rules[0]") == true, "\(found)")
    }

    @Test func twoRulesOfOneNameAreRefused() throws {
        #expect(
            try faults("alert-rule", "{\"rules\":[\(Self.hot),\(Self.hot)]}").first?.contains("another name") == true)
        #expect(
            try faults("alert-rule", #"{"rules":[],"registry":false}"#).first?.contains("at least one rule") == true)
    }

    @Test func aRuleThatAsksForALongerWhileThanBeforeIsStillRaised() throws {
        let store = MemoryStore()
        func rule(_ milliseconds: Int) -> String {
            #"[{"name":"hot","when":"features.f.x > 80","for":\#(milliseconds),"message":"m"}]"#
        }
        try line(rule(10_000), store: store).send(1, #""x":90"#)
        let longer = try line(rule(60_000), store: store)
        try longer.clock(30)
        #expect(longer.alerts.isEmpty, "the timer of the shorter while is not the end of it")
        try longer.clock(61)
        #expect(longer.alerts == ["hot hot warning raised 61.."])
    }

    @Test func aLateRecordHasNotHeldSinceItsOwnTime() throws {
        let line = try line(#"[{"name":"hot","when":"features.f.x > 80","for":10000,"message":"m"}]"#)
        try line.send(40, #""x":10"#)
        try line.send(5, #""x":90"#)
        try line.clock(49)
        #expect(line.alerts.isEmpty)
        try line.clock(50)
        #expect(line.alerts == ["hot hot warning raised 50.."])
    }
}
