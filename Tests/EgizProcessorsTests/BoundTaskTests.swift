import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// Tasks of the registry that are only for twins that somebody has bound to them.
@Suite struct BoundTaskTests {
    @Test func onlyMembersAreAsked() throws {
        let line = try RuleLine("ml-fan-out", #"{"task":"t"}"#, format: .ditto)
        let settings = ConfigValue(
            json: try JSONParser().parse(Array(#"{"features":[{"name":"x","path":"features.f.x"}]}"#.utf8)),
            at: SourceMark(line: 1, column: 1))
        func create(_ thing: String, _ type: String, _ revision: Int) throws {
            try line.event(
                Int64(revision), revision, revision == 1 ? "created" : "modified", "/",
                #"{"thingId":"\#(thing)","definition":"\#(type)","features":{"f":{"properties":{"x":1}}}}"#,
                thing: thing)
        }
        func asked() -> [String?] { line.emitted("ml.input.v1.t").map { $0["thingId"]?.string } }
        line.driver.store.setRegistry(parents: ["n:filler:1": "n:machine:1"], bindings: [])
        line.driver.store.setRegistry(tasks: [
            .init(name: "t", settings: settings, members: .init(types: ["n:machine:1"], things: ["t:c"]))
        ])
        try line.driver.adoptRegistry()
        for (thing, type) in [("t:a", "n:filler:1"), ("t:b", "n:other:1"), ("t:c", "n:other:1")] {
            try create(thing, type, 1)
        }
        #expect(asked() == ["t:a", "t:c"])
        line.driver.store.setRegistry(tasks: [.init(name: "t", settings: settings, members: .init(things: ["t:b"]))])
        try line.driver.adoptRegistry()
        for (thing, type) in [("t:a", "n:filler:1"), ("t:b", "n:other:1"), ("t:c", "n:other:1")] {
            try create(thing, type, 2)
        }
        #expect(asked() == ["t:a", "t:c", "t:b"])
    }
}
