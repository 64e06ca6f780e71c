import EgizRuntime
import EgizCore
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct RekeyTests {
    private func line(_ words: String = "", partitions: Int32 = 1, epochs: TopologyDriver.Epochs = .eachRecord) throws
        -> RecordLine
    {
        try RecordLine("rekey", #"{"to":"out"\#(words)}"#, partitions: partitions, epochs: epochs)
    }

    @Test func aRecordGetsItsThingAsKeyAndSaysWhereItCameFrom() throws {
        let line = try line()
        try line.send(
            5, key: "gateway-7", #"{ "thingId": "t:a", "features": {} }"#, headers: ["trace": "x", "egiz-id": "old"])
        #expect(
            line.emitted("out") == [
                #"t:a { "thingId": "t:a", "features": {} } trace=x egiz-origin-topic=in egiz-origin-partition=0 egiz-origin-offset=0 egiz-origin-key=gateway-7"#
            ])
        let record = try #require(line.driver.emitted.first)
        #expect(record.time == 5_000_000, "telemetry without a timestamp takes it from the record")
        #expect(record.id == "line/source/in/0@1/0/0")
    }

    @Test(arguments: [
        (#"/device/id"#, #"{"device":{"id":"t:a"}}"#),
        ("/topic", #"{"topic":"t/a/things/twin/events/modified","path":"/"}"#),
        ("/a~1b", #"{"a/b":"t:a"}"#),
    ])
    func theThingIsFoundWhereTheSettingSays(_ pointer: String, _ value: String) throws {
        let line = try line(#","thing":"\#(pointer)""#)
        try line.send(1, key: "t:a", value)
        #expect(line.emitted("out").map { $0.hasPrefix("t:a \(value)") } == [true])
        #expect(
            line.driver.emitted[0].headers.map(\.name).contains("egiz-origin-key") == false, "it had that key already")
    }

    @Test func theOrderOfAThingsRecordsIsKept() throws {
        let line = try line(partitions: 3, epochs: .explicit)
        var random = SeededGenerator(seed: 3)
        var sent: [String: [String]] = [:]
        for number in 0..<200 {
            let thing = "t:\(Int.random(in: 0..<5, using: &random))"
            let value = #"{"thingId":"\#(thing)","n":\#(number)}"#
            sent[thing, default: []].append(value)
            // A gateway has its own partition, and always the same things.
            try line.send(Int64(number), key: "gateway", value, partition: Int32(thing.utf8.last ?? 0) % 3)
            if number % 37 == 0 { try line.driver.commit() }
            if number % 50 == 49 { try line.driver.crashAndRestart() }
        }
        try line.driver.commit()
        var got: [String: [String]] = [:]
        for record in line.driver.emitted where record.topic == "out" {
            let key = String(decoding: record.key ?? [], as: UTF8.self)
            got[key, default: []].append(String(decoding: record.value ?? [], as: UTF8.self))
        }
        #expect(got == sent, "each once, in order, also through crashes")
    }

    @Test(arguments: [
        (#"{"thingId":"#, "json"), (#"{"other":1}"#, "thing-id"), (#"{"thingId":7}"#, "thing-id"),
        (#"{"thingId":"no-namespace"}"#, "thing-id"), ("[]", "thing-id"), ("", "json"),
    ])
    func aRecordThatNamesNoThingIsADeadLetterAndOthersGoOn(_ value: String, _ code: String) throws {
        let line = try line()
        try line.send(1, key: "t:x", value)
        try line.send(2, key: "t:x", #"{"thingId":"t:a"}"#)
        #expect(line.driver.deadLetters.map(\.code) == [code])
        #expect(line.driver.deadLetters.map(\.disposition) == [.dead])
        #expect(line.emitted("out").count == 1)
        #expect(line.emitted("in.dlq").count == 1)
    }

    @Test func aTombstoneGoesOnWithItsKey() throws {
        let line = try line()
        try line.send(1, key: "t:a", nil)
        try line.send(2, key: "gateway", nil)
        #expect(line.emitted("out").map { $0.hasPrefix("t:a - ") } == [true])
        #expect(line.driver.deadLetters.map(\.code) == ["thing-id"])
    }

    @Test func aDeadLetterThatIsMendedGoesOnItsWay() throws {
        let line = try line()
        try line.send(1, key: "g", #"{"thingId":"broken"}"#, headers: ["trace": "x"])
        let found = line.driver.edit(topic: "in", partition: 0, offset: 0, value: Array(#"{"thingId":"t:a"}"#.utf8))
        #expect(found == 1)
        try line.driver.redrive(.retry)
        #expect(line.driver.deadLetters.isEmpty)
        #expect(
            line.emitted("out") == [
                #"t:a {"thingId":"t:a"} trace=x egiz-origin-topic=in egiz-origin-partition=0 egiz-origin-offset=0 egiz-origin-key=g egiz-late=1"#
            ])
    }

    @Test(arguments: TopologyDriver.Epochs.allCases)
    func aCrashChangesNothing(_ epochs: TopologyDriver.Epochs) throws {
        func run(crashes: Bool) throws -> [String] {
            let line = try line(partitions: 2, epochs: epochs)
            for number in 0..<60 {
                let value = number % 9 == 4 ? #"{"n":\#(number)}"# : #"{"thingId":"t:\#(number % 4)","n":\#(number)}"#
                try line.send(Int64(number), key: "gateway", value, partition: Int32(number % 2))
                if number % 7 == 0 { try line.driver.commit() }
                if crashes, number % 11 == 3 { try line.driver.crashAndRestart() }
                if crashes, number % 13 == 5 { try line.driver.rebalance() }
                if crashes, number % 17 == 2 { line.driver.loseAnswers(1) }
            }
            try line.driver.commit()
            let records = line.driver.emitted.map { record in
                "\(record.topic) \(record.id) " + String(decoding: record.value ?? [], as: UTF8.self)
            }
            return records.sorted() + line.driver.deadLetters.map { "\($0.code) \($0.position)" }.sorted()
        }
        let calm = try run(crashes: false)
        #expect(calm.count == 60 + 7, "each record goes on or stands aside, and a letter is also a record")
        #expect(try run(crashes: true) == calm)
    }

    @Test(arguments: [#""thing":"thingId""#, #""thing":"""#, #""thing":"/a~3""#])
    func aPointerThatIsNoneIsRefused(_ word: String) throws {
        let found = try faults(RuleLine.Link("r", "rekey", from: "source", #"{"to":"out",\#(word)}"#))
        #expect(found.count == 1 && found[0].contains("expected a JSON pointer such as /thingId"), "\(found)")
    }
}
