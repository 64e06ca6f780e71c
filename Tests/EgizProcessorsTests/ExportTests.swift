import EgizCore
import EgizTesting
import EgizTwin
import Testing

@Suite struct ExportTests {
    private typealias Link = RuleLine.Link

    private func line(_ settings: String = "", epochs: TopologyDriver.Epochs = .eachRecord) throws -> RuleLine {
        try RuleLine([Link("export", "export", #"{"to":"out"\#(settings)}"#)], format: .ditto, epochs: epochs)
    }

    private func create(_ line: RuleLine, _ properties: String) throws {
        try line.event(
            1, 1, "created", "/", #"{"thingId":"t:a","policyId":"t:p","features":{"f":{"properties":\#(properties)}}}"#)
    }

    private func rows(_ line: RuleLine) -> [String] {
        line.emitted("out").map { record in
            let path = record["path"]?.string?.replacing("/features/f/properties/", with: "") ?? "-"
            return "\(path) \(record["kind"]?.string ?? "-") \(record["value"]?.text ?? "-")"
        }
    }

    @Test func everySampleIsARecordOfItsKind() throws {
        let line = try line()
        try create(line, #"{"n":0.5,"i":9007199254740993,"b":true,"t":"x","l":[1,null],"z":null,"a~/b":1}"#)
        try line.event(2, 2, "deleted", "/features/f/properties/n", nil)
        #expect(
            rows(line) == [
                "n number 0.5", "i number 9007199254740993", "b boolean true", #"t text "x""#, "l json [1,null]",
                "z null null", "a~0~1b number 1", "n absent -",
            ])
        let last = try #require(line.driver.emitted.last)
        #expect(
            last.value.map { String(decoding: $0, as: UTF8.self) }
                == #"{"thingId":"t:a","path":"/features/f/properties/n","time":"1970-01-01T00:00:02Z","revision":2,"kind":"absent"}"#
        )
        #expect(last.key == Array("t:a".utf8))
    }

    /// What is exported is what history keeps.
    @Test func theRecordsAreTheSamplesOfHistory() throws {
        let line = try line()
        try create(line, #"{"x":1,"y":{"z":"a"}}"#)
        for revision in 2...20 {
            try line.event(Int64(revision), revision, "modified", "/features/f/properties/x", "\(revision % 3)")
        }
        let exported = line.emitted("out").filter { $0["path"]?.string?.hasSuffix("/x") == true }
        let kept = line.driver.samples("t:a", "/features/f/properties/x")
        #expect(exported.map { $0["time"]?.string } == kept.map { EventTime(microseconds: $0.time).text })
        #expect(exported.map { $0["value"]?.text } == kept.map { "\(Int($0.number ?? -1))" })
        #expect(
            line.emitted("out").count == kept.count + line.driver.samples("t:a", "/features/f/properties/y/z").count)
    }

    @Test func pathsAndChangesAreChosen() throws {
        let line = try line(#","include":["/features/f/**"],"exclude":["/features/f/properties/y"],"onlyChanges":true"#)
        try create(line, #"{"x":1,"y":1}"#)
        try line.event(2, 2, "modified", "/features/f/properties/x", "1")
        try line.event(3, 3, "modified", "/features/f/properties/x", "2")
        #expect(rows(line) == ["x number 1", "x number 2"])
    }

    @Test func aSampleLargerThanKafkaTakesIsADeadLetterAndOthersGoOn() throws {
        let line = try line()
        let long = String(repeating: "x", count: 1_100_000)
        try create(line, #"{"t":"\#(long)"}"#)
        try line.event(
            1, 1, "created", "/", #"{"thingId":"t:b","policyId":"t:p","attributes":{"x":1}}"#, thing: "t:b")
        #expect(line.driver.deadLetters.map(\.code) == ["output-size"])
        #expect(line.emitted("out").map { $0["thingId"]?.string } == ["t:b"])
    }

    @Test func aCrashRepeatsNothingAndLosesNothing() throws {
        let (line, calm) = (try line(epochs: .explicit), try line())
        for target in [line, calm] { try create(target, #"{"x":0}"#) }
        for revision in 2...8 {
            for target in [line, calm] {
                try target.event(Int64(revision), revision, "modified", "/features/f/properties/x", "\(revision)")
            }
            if revision == 3 { try line.driver.commit() }
            if revision == 6 { try line.driver.crashAndRestart() }
        }
        try line.driver.commit()
        #expect(line.driver.emitted == calm.driver.emitted)
    }

    @Test func anUnknownWordOfTheWrongKindIsRefused() throws {
        #expect(
            try faults(Link("export", "export", #"{"to":"out","include":["features"]}"#)) == [
                #"export.include: found "features", expected a path pattern such as "/features/*/properties/**""#
            ])
    }
}
