import EgizProcessors
import EgizCore
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct PathMapTests {
    private typealias Link = RuleLine.Link

    private func line(
        _ settings: String, epochs: TopologyDriver.Epochs = .eachRecord, format: RecordFormat = .telemetry
    )
        throws -> RuleLine
    {
        try RuleLine([Link("map", "map", #"{"to":"out",\#(settings)}"#)], format: format, epochs: epochs)
    }

    private func features(_ line: RuleLine) -> [String] { line.emitted("out").map { $0["features"]?.text ?? "-" } }

    @Test func whatAnEventWroteIsCarriedOver() throws {
        let line = try line(#""drop":["/features/*/properties/secret"]"#)
        try line.send(
            1.5, #""x":1,"big":9007199254740993,"d":0.1,"s":"t","b":true,"a":[1,{"k":2}],"o":{"p":2},"secret":3"#)
        #expect(
            features(line) == [
                #"{"f":{"x":1,"big":9007199254740993,"d":0.1,"s":"t","b":true,"a":[1,{"k":2}],"o":{"p":2}}}"#
            ])
        let record = try #require(line.driver.emitted.first)
        #expect(record.key == Array("t:a".utf8))
        #expect(record.id == "line/source/events/0@1/0/0")
        #expect(line.emitted("out").first?["timestamp"]?.string == "1970-01-01T00:00:01.500Z")
    }

    @Test func pathsAreRenamedWithWhatLiesBeneathThem() throws {
        let line = try line(
            #""rename":[{"from":"features.f.o","to":"features.tank.deep.o"},{"from":"/features/f/properties/y","to":"features.f.x"}]"#
        )
        try line.send(1, #""o":{"p":{"q":1},"r":2},"y":5"#)
        #expect(features(line) == [#"{"tank":{"deep":{"o":{"p":{"q":1},"r":2}}},"f":{"x":5}}"#])
        try line.send(2, #""x":7"#)
        #expect(features(line).count == 1, "a renamed value has the place of the one that was there")
    }

    @Test func valuesAreComputedWhenSomethingThatTheyReadIsWritten() throws {
        let line = try line(
            #""keep":[],"compute":[{"path":"features.g.sum","value":"features.f.x + features.f.y"},{"path":"features.g.big","value":"features.f.x > 10"}]"#
        )
        try line.send(1, #""x":1"#)
        #expect(features(line) == [#"{"g":{"sum":null,"big":false}}"#], "nothing to add up yet")
        try line.send(2, #""y":2.5"#)
        try line.send(3, #""z":2"#)
        try line.send(4, #""x":11"#)
        #expect(features(line).dropFirst() == [#"{"g":{"sum":3.5}}"#, #"{"g":{"sum":13.5,"big":true}}"#])
    }

    @Test func whatReadsTheTimeIsComputedWithEveryEvent() throws {
        let line = try line(#""keep":[],"compute":[{"path":"features.g.at","value":"revision"}]"#)
        try line.send(1, #""x":1"#)
        try line.send(2, #""z":1"#)
        #expect(features(line) == [#"{"g":{"at":1}}"#, #"{"g":{"at":2}}"#])
    }

    @Test func whatIsRemovedIsRemovedThere() throws {
        let line = try line(#""compute":[{"path":"features.g.double","value":"features.f.x * 2"}]"#, format: .ditto)
        let document =
            #"{"thingId":"t:a","policyId":"t:p","attributes":{"a":1},"features":{"f":{"properties":{"x":1,"o":{"p":1,"q":2}}}}}"#
        try line.event(1, 1, "created", "/", document)
        try line.event(2, 2, "deleted", "/features/f/properties/x", nil)
        try line.event(3, 3, "modified", "/features/f/properties/o", "5")
        try line.event(4, 4, "modified", "/features/f/properties/o", #"{"q":3}"#)
        try line.event(5, 5, "modified", "/attributes/a", "2")
        try line.event(6, 6, "deleted", "/", nil)
        #expect(
            features(line) == [
                #"{"f":{"x":1,"o":{"p":1,"q":2}},"g":{"double":2}}"#, #"{"f":{"x":null},"g":{"double":null}}"#,
                #"{"f":{"o":5}}"#, #"{"f":{"o":{"q":3}}}"#, #"{"f":{"o":{"q":null}}}"#,
            ])
    }

    /// The twin that a stage makes of mapped records is the source's, but for what the map changes.
    @Test func anotherStageMakesTheSameThingOfIt() throws {
        let line = try line(#""thing":"copy:{name}""#, format: .ditto)
        let reader = TopologyDriver(topology: .testing(topics: ["out"]), registry: .builtin)
        var random = SeededGenerator(seed: 7)
        let values = ["1", #""t""#, "[1]", #"{"p":1}"#, #"{"q":{"r":2}}"#, "true"]
        let document = #"{"thingId":"t:a","policyId":"t:p","features":{"f":{"properties":{"k":1}}}}"#
        try line.event(1, 1, "created", "/", document)
        for revision in 2...120 {
            let path = ["x", "y", "y/p", "y/q"].randomElement(using: &random) ?? "x"
            if Int.random(in: 0..<4, using: &random) == 0 {
                try line.event(Int64(revision), revision, "deleted", "/features/f/properties/\(path)", nil)
            } else {
                let value = values.randomElement(using: &random) ?? "1"
                try line.event(Int64(revision), revision, "modified", "/features/f/properties/\(path)", value)
            }
        }
        for record in line.driver.emitted {
            try reader.send("out", key: record.key, bytes: record.value, at: .earliest)
        }
        func features(_ driver: TopologyDriver, _ thing: String) throws -> JSONValue? {
            let text = try #require(driver.twin(thing))
            return try JSONParser().parse(Array(text.utf8)).object?["features"]
        }
        #expect(reader.deadLetters.isEmpty)
        #expect(try leaves(features(reader, "copy:a")) == leaves(features(line.driver, "t:a")))
    }

    /// Paths and values of all leaves: an object that has become empty is nothing to telemetry.
    private func leaves(_ value: JSONValue?, _ path: String = "") -> [String] {
        guard let object = value?.object else { return value.map { ["\(path) \($0.text)"] } ?? [] }
        return object.flatMap { leaves($0.value, "\(path)/\($0.key)") }.sorted()
    }

    @Test func eventsThatChangeNothingAreLeftOutWhereThatIsAsked() throws {
        let line = try line(#""onlyChanges":true"#)
        try line.send(1, #""x":1,"y":1"#)
        try line.send(2, #""x":1,"y":2"#)
        try line.send(3, #""x":1,"y":2"#)
        #expect(features(line) == [#"{"f":{"x":1,"y":1}}"#, #"{"f":{"y":2}}"#])
    }

    @Test func aComputationOnTheWrongKindIsLeftOutAndCounted() throws {
        let line = try line(#""compute":[{"path":"features.g.n","value":"features.f.x * 2"}]"#)
        try line.send(1, #""x":"text""#)
        try line.send(2, #""x":{"a":1}"#)
        #expect(features(line) == [#"{"f":{"x":"text"}}"#, #"{"f":{"x":{"a":1}}}"#])
        #expect(line.count("ruleErrors") == 2)
        #expect(line.driver.deadLetters.isEmpty)
    }

    @Test func aThingThatCannotBeNamedIsADeadLetterAndOthersGoOn() throws {
        let line = try line(#""thing":"{name}""#)
        try line.send(1, #""x":1"#, thing: "t:n:s")
        try line.send(1, #""x":2"#, thing: "t:a")
        try line.send(2, #""x":3"#, thing: "t:n:s")
        #expect(line.emitted("out").map { $0["thingId"]?.string } == ["n:s", "n:s"])
        #expect(line.driver.deadLetters.map(\.code) == ["thing-id"])
        #expect(line.driver.deadLetters.first?.processor == "map")
    }

    @Test func aCrashRepeatsNothingAndLosesNothing() throws {
        let settings = #""compute":[{"path":"features.g.double","value":"features.f.x * 2"}]"#
        let (line, calm) = (try line(settings, epochs: .explicit), try line(settings))
        for second in 1...6 {
            for target in [line, calm] { try target.send(Double(second), #""x":\#(second)"#) }
            if second == 2 { try line.driver.commit() }
            if second == 4 { try line.driver.crashAndRestart() }
        }
        line.driver.loseAnswers(1)
        try line.driver.commit()
        #expect(line.driver.emitted == calm.driver.emitted)
    }

    @Test(arguments: [
        (
            #""rename":[{"from":"features.f.x","to":"attributes.x"}]"#,
            #"map.rename[0].to: found "attributes.x", expected a property of a feature such as features.filler.temperature"#
        ),
        (
            #""compute":[{"path":"features.f.a","value":"1"},{"path":"features.f.a.b","value":"2"}]"#,
            "map: two values are written to /features/f/properties/a/b (also line 1); each needs a place of its own"
        ),
        (
            #""thing":"{features.f.x}""#,
            #"map.thing: found "{features.f.x}", expected a text with `thingId`, `namespace` and `name` only: the records of one thing stay together"#
        ),
        (#""compute":[{"path":"features.f.a","value":"1 +"}]"#, "map.compute[0].value: column 4"),
    ])
    func aMapThatCannotBeIsRefused(_ settings: String, _ message: String) throws {
        let found = try faults(Link("map", "map", #"{"to":"out",\#(settings)}"#))
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
