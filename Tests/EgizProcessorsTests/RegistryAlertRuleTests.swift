import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// Rules that types of the registry declare.
@Suite struct RegistryAlertRuleTests {
    private func rule(_ type: String, _ json: String) throws -> RuleRegistry.AlertRule {
        .init(
            type: type,
            settings: ConfigValue(json: try JSONParser().parse(Array(json.utf8)), at: SourceMark(line: 1, column: 1)))
    }

    private func line(_ rules: String = "[]", _ more: String = "") throws -> RuleLine {
        try RuleLine("alert-rule", #"{"rules":\#(rules),"to":"alerts"\#(more)}"#, format: .ditto)
    }

    private func create(_ line: RuleLine, _ thing: String, _ type: String, x: Int) throws {
        try line.event(
            1, 1, "created", "/",
            #"{"thingId":"\#(thing)","definition":"\#(type)","features":{"f":{"properties":{"x":\#(x)}}}}"#,
            thing: thing)
    }

    @Test func aRuleOfATypeIsForItsDescendantsAndReachesSilentThings() throws {
        let line = try line()
        try create(line, "t:a", "n:filler:1", x: 90)
        try create(line, "t:b", "n:other:1", x: 90)
        #expect(line.driver.store.allAlerts.isEmpty)
        line.driver.store.setRegistry(
            parents: ["n:filler:1": "n:machine:1"],
            alertRules: [
                try rule("n:machine:1", #"{"name":"hot","when":"features.f.x > 80","message":"m"}"#),
                try rule("n:machine:1", #"{"name":"bad","whn":"true","message":"m"}"#),
            ])
        try line.driver.adoptRegistry()
        #expect(line.driver.store.allAlerts.map { "\($0.thing.text) \($0.rule) \($0.state)" } == ["t:a hot raised"])
        line.driver.store.setRegistry(alertRules: [])
        try line.driver.adoptRegistry()
        #expect(line.driver.store.allAlerts.map(\.state) == [.cleared], "a rule that is gone ends its alerts")
    }

    @Test func ofOneNameTheNearestCounts() throws {
        let line = try line(#"[{"name":"hot","when":"features.f.x > 10","message":"file"}]"#)
        line.driver.store.setRegistry(
            parents: ["n:filler:1": "n:machine:1"],
            alertRules: [
                try rule("n:filler:1", #"{"name":"hot","when":"features.f.x > 50","message":"own","for":"0s"}"#),
                try rule("n:machine:1", #"{"name":"hot","when":"features.f.x > 30","message":"parent"}"#),
            ])
        try line.driver.adoptRegistry()
        for (thing, type) in [("t:a", "n:filler:1"), ("t:b", "n:machine:1"), ("t:c", "n:other:1")] {
            try create(line, thing, type, x: 60)
        }
        #expect(line.driver.store.allAlerts.map(\.message) == ["own", "parent", "file"])
    }

    @Test func aProcessorMayIgnoreThem() throws {
        let line = try line(#"[{"name":"a","when":"features.f.x > 100","message":"m"}]"#, #","registry":false"#)
        line.driver.store.setRegistry(
            alertRules: [try rule("n:filler:1", #"{"name":"hot","when":"features.f.x > 80","message":"m"}"#)])
        try line.driver.adoptRegistry()
        try create(line, "t:a", "n:filler:1", x: 90)
        #expect(line.driver.store.allAlerts.isEmpty)
    }

    @Test func theTypeOfARegistrationCountsWhereADeviceTellsNone() throws {
        let line = try RuleLine("alert-rule", #"{"rules":[],"to":"alerts"}"#)
        for thing in ["t:a", "t:b"] { try line.send(1, #""x":90"#, thing: thing) }
        line.driver.store.setRegistry(
            alertRules: [try rule("n:filler:1", #"{"name":"hot","when":"features.f.x > 80","message":"m"}"#)],
            thingTypes: ["t:a": "n:filler:1"])
        try line.driver.adoptRegistry()
        #expect(line.driver.store.allAlerts.map { $0.thing.text } == ["t:a"])
    }
}
