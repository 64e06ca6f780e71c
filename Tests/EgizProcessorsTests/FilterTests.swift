import EgizCore
import EgizTesting
import EgizTwin
import Testing

@Suite struct FilterTests {
    private typealias Link = RuleLine.Link

    private static let hot = #"{"when":"features.f.x > 80"}"#
    private static let alerts = #"{"rules":[{"name":"odd","when":"features.f.y > 0","message":"m"}],"to":"alerts"}"#
    private static let history = #"{"include":["/features/**"]}"#

    private func line(_ filter: String, epochs: TopologyDriver.Epochs = .eachRecord, format: RecordFormat = .telemetry)
        throws -> RuleLine
    {
        try RuleLine(
            [Link("some", "filter", filter), Link("few", "export", from: "some", #"{"to":"out"}"#)], format: format,
            epochs: epochs)
    }

    private func values(_ line: RuleLine) -> [String] {
        line.emitted("out").map { $0["value"]?.text ?? "-" }
    }

    @Test func onlyEventsForWhichTheConditionIsTrueReachWhatReadsFromIt() throws {
        let line = try line(Self.hot)
        for (second, x) in [70, 90, 80, 81].enumerated() { try line.send(Double(second + 1), #""x":\#(x)"#) }
        #expect(values(line) == ["90", "81"])
        #expect(line.count("filtered") == 2)
        #expect(line.driver.samples("t:a", "/features/f/properties/x").count == 4, "history reads from the projector")
        #expect(line.driver.twin("t:a")?.contains(#""x":81"#) == true)
    }

    @Test func theTwinAndItsRevisionsHaveEveryEvent() throws {
        let line = try line(Self.hot)
        for second in 1...3 { try line.send(Double(second), #""x":\#(second)"#) }
        try line.send(4, #""x":99"#)
        #expect(line.emitted("out").map { $0["revision"] } == [.int(4)])
        #expect(line.count("applied") == 4)
    }

    @Test func aConditionSeesTheThingAndNotOnlyTheEvent() throws {
        let line = try line(Self.hot)
        try line.send(1, #""x":90"#)
        try line.send(2, #""z":1"#)
        #expect(values(line) == ["90", "1"])
    }

    @Test func pathsSayWhichEventsPass() throws {
        let line = try line(#"{"paths":["/features/f/properties/x"]}"#)
        try line.send(1, #""x":1,"y":1"#)
        try line.send(2, #""y":2"#)
        try line.send(3, #""x":1"#)
        #expect(values(line) == ["1", "1", "1"])
        let strict = try self.line(#"{"paths":["/features/f/properties/x"],"onlyChanges":true}"#)
        try strict.send(1, #""x":1"#)
        try strict.send(2, #""x":1"#)
        try strict.send(3, #""x":2"#)
        #expect(values(strict) == ["1", "2"])
    }

    @Test func filtersBehindFiltersHoldBackWhatAnyOfThemDoes() throws {
        let line = try RuleLine([
            Link("a", "filter", #"{"when":"features.f.x > 1"}"#),
            Link("b", "filter", from: "a", #"{"when":"features.f.y > 1"}"#),
            Link("out", "export", from: "b", #"{"to":"out"}"#),
            Link("all", "export", #"{"to":"all"}"#),
        ])
        try line.send(1, #""x":2,"y":0"#)
        try line.send(2, #""x":0,"y":2"#)
        try line.send(3, #""x":2"#)
        #expect(values(line) == ["2"])
        #expect(line.emitted("all").count == 5)
        #expect(line.count("filtered") == 2, "an event is counted by the filter that held it back")
    }

    @Test func theEndOfAThingPassesEveryFilter() throws {
        let line = try RuleLine(
            [Link("some", "filter", Self.hot), Link("odd", "alert-rule", from: "some", Self.alerts)], format: .ditto)
        let document = #"{"thingId":"t:a","policyId":"t:p","features":{"f":{"properties":{"x":90,"y":1}}}}"#
        try line.event(1, 1, "created", "/", document)
        #expect(line.alerts == ["odd odd warning raised 1.."])
        try line.event(2, 2, "modified", "/features/f/properties/x", "10")
        #expect(line.alerts == ["odd odd warning raised 1.."], "what stands behind a filter keeps what it saw last")
        try line.event(3, 3, "deleted", "/", nil)
        #expect(line.alerts == ["odd odd warning cleared 1..3"])
    }

    @Test(arguments: [#""x":"text""#, #""x":{"a":1}"#, #""y":1"#, #""x":null"#])
    func whatIsMissingOrOfTheWrongKindIsHeldBackAndNoDeadLetter(_ members: String) throws {
        let line = try line(Self.hot)
        try line.send(1, members)
        #expect(values(line) == [])
        #expect(line.driver.deadLetters.isEmpty)
        #expect(line.count("filtered") == 1)
        #expect(line.count("ruleErrors") == (members.contains("text") || members.contains("{") ? 1 : 0))
    }

    @Test func aConditionThatIsNoConditionIsCounted() throws {
        let line = try line(#"{"when":"features.f.x"}"#)
        try line.send(1, #""x":5"#)
        #expect(values(line) == [])
        #expect(line.count("ruleErrors") == 1)
    }

    @Test func rulesBehindAFilterAreReviewedThroughIt() throws {
        let store = MemoryStore()
        func line(_ filter: String) throws -> RuleLine {
            try RuleLine(
                [Link("some", "filter", filter), Link("odd", "alert-rule", from: "some", Self.alerts)], store: store)
        }
        let first = try line(#"{"when":"features.f.x > 80"}"#)
        try first.send(1, #""x":10,"y":1"#, thing: "t:a")
        try first.send(1, #""x":50,"y":1"#, thing: "t:b")
        #expect(first.alerts.isEmpty)
        // Another condition makes other rules of what is behind it: things of which no event comes are looked at.
        let second = try line(#"{"when":"features.f.x > 40"}"#)
        try second.driver.takeOverTasks()
        try second.driver.commit()
        #expect(second.alerts == ["odd odd warning raised 1.."])
        #expect(store.allAlerts.map(\.thing.text) == ["t:b"])
    }

    @Test func aCrashAndARefusedRecordDecideAlike() throws {
        let links = [
            Link("some", "filter", Self.hot),
            Link("minutes", "rollup", from: "some", #"{"interval":60000,"grace":0}"#),
            // Refuses what it cannot name.
            Link("map", "map", #"{"to":"out","thing":"1:{name}","keep":["/features/f/properties/bad"]}"#),
        ]
        let line = try RuleLine(links, epochs: .explicit)
        let calm = try RuleLine(links)
        for target in [line, calm] {
            for (second, x) in [70, 90, 85, 60, 95].enumerated() { try target.send(Double(second + 1), #""x":\#(x)"#) }
        }
        // Refused by the map: rollup and twin are built anew from the epoch's start.
        for target in [line, calm] { try target.send(6, #""x":99,"bad":1"#) }
        try line.driver.commit()
        #expect(line.driver.deadLetters.map(\.code) == ["thing-id"])
        #expect(line.driver.store.allRollups.map(\.aggregate.count) == [3])
        try line.driver.crashAndRestart()
        #expect(line.driver.store.allRollups.map(\.aggregate) == calm.driver.store.allRollups.map(\.aggregate))
        #expect(line.count("filtered") == calm.count("filtered"))
    }

    @Test(arguments: [
        ("{}", "f: a filter has neither `when` nor `paths`, it needs one"),
        (
            #"{"when":"features.f.x > 1","onlyChanges":true}"#,
            "f.onlyChanges: found the boolean true, expected `paths` beside it: it says which changes count"
        ),
        (#"{"when":"features.f.x >"}"#, "f.when: column 15"),
    ])
    func aFilterThatCannotBeIsRefused(_ settings: String, _ message: String) throws {
        let found = try faults(Link("f", "filter", settings))
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
