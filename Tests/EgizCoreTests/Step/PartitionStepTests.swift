import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@Suite struct PartitionStepTests {
    private func driver(_ epochs: TopologyDriver.Epochs = .eachRecord, partitions: Int32 = 1) -> TopologyDriver {
        TopologyDriver(topology: .testing(), registry: .builtin, partitions: partitions, epochs: epochs)
    }

    @Test func anEventBecomesATwinASampleAndAPosition() throws {
        let line = driver()
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 5, #""x":1.5"#))
        #expect(line.samples("t:a", pathX) == [MemorySample(time: 5000, kind: .number, number: 1.5, text: nil)])
        #expect(line.twin("t:a") != nil)
        let task = TaskID(stage: line.topology.stages[0].name, partition: 0)
        #expect(line.store.position(of: task, topic: "events") == 1)
        let row = try #require(line.store.twin(try ThingID(validating: "t:a")))
        #expect(row.home == task)
        #expect(row.position == InputPosition(topic: "events", partition: 0, offset: 0))
    }

    @Test(arguments: [
        ("json", "{"), ("json", "\u{1}"), ("thing-id", #"{"thingId":"bare","features":{"f":{"x":1}}}"#),
        ("value", #"{"thingId":"t:a"}"#), ("time", telemetry("t:a", at: -1, #""x":1"#)),
        ("time", telemetry("t:a", at: 7_258_118_400_000, #""x":1"#)),
    ])
    func whatCanNeverSucceedIsADeadLetterWithItsCode(_ code: String, _ value: String) throws {
        let line = driver()
        try line.send("events", key: "t:a", value: value, at: time(77))
        #expect(line.deadLetters.map(\.code) == [code])
        let letter = try #require(line.deadLetters.first)
        #expect(letter.key == Array("t:a".utf8))
        #expect(letter.value == Array(value.utf8))
        #expect(letter.recordTime == time(77))
        #expect(letter.processor == "twins")
        #expect(line.counters["deadLetters"] == 1)
        #expect(line.counters["records"] == 1)
        #expect(line.counters["applied"] == 0)
        #expect(line.store.allTwins.isEmpty)
    }

    @Test func eventTimesAtTheEdgesAreAccepted() throws {
        let line = driver()
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 0, #""x":1"#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 7_258_118_399_999, #""x":2"#))
        #expect(line.deadLetters.isEmpty)
    }

    @Test func aTombstoneIsCountedAndChangesNothing() throws {
        let line = driver()
        try line.send("events", key: "t:a", value: nil)
        #expect(line.counters["tombstone"] == 1)
        #expect(line.deadLetters.isEmpty)
    }

    @Test func aThingInAnotherPartitionIsRefusedAndStaysWhereItIs() throws {
        let line = driver(partitions: 2)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":1"#), partition: 0)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":2"#), partition: 1)
        #expect(line.deadLetters.map(\.code) == ["partition"])
        #expect(line.samples("t:a", pathX).map(\.number) == [1])
    }

    @Test func aThingOfAnotherStageIsRefused() throws {
        let store = MemoryStore()
        let first = TopologyDriver(topology: .testing(name: "one"), registry: .builtin, store: store)
        try first.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":1"#))
        let second = TopologyDriver(topology: .testing(name: "two"), registry: .builtin, store: store)
        try second.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":2"#))
        #expect(store.allDeadLetters.map(\.code) == ["owner"])
        #expect(store.allDeadLetters.first?.message.contains("one.source") == true)
        #expect(second.samples("t:a", pathX).map(\.number) == [1])
    }

    @Test func whatDittoRepeatsOrLosesIsCountedAndFoldedOnce() throws {
        let line = TopologyDriver(topology: .testing(format: .ditto), registry: .builtin)
        func event(_ action: String, _ path: String, _ revision: Int, _ value: String) -> String {
            #"{"topic":"t/a/things/twin/events/\#(action)","headers":{},"path":"\#(path)","value":\#(value),"revision":\#(revision),"timestamp":"2026-01-01T00:00:0\#(revision)Z"}"#
        }
        try line.send("events", key: "t:a", value: event("modified", "/features/f/properties/x", 1, "0"))
        try line.send("events", key: "t:a", value: event("created", "/", 2, #"{"thingId":"t:a"}"#))
        try line.send("events", key: "t:a", value: event("modified", "/features/f/properties/x", 3, "1"))
        try line.send("events", key: "t:a", value: event("modified", "/features/f/properties/x", 3, "1"))
        try line.send("events", key: "t:a", value: event("modified", "/features/f/properties/x", 2, "9"))
        try line.send("events", key: "t:a", value: event("modified", "/features/f/properties/x", 6, "2"))
        let counters = line.counters
        #expect(counters["applied"] == 3 && counters["records"] == 6)
        #expect(counters["orphan"] == 1)
        #expect((counters["duplicate"] ?? 0) + (counters["stale"] ?? 0) == 2)
        #expect(counters["gaps"] == 1 && counters["missed"] == 2)
        #expect(line.samples("t:a", pathX).map(\.number) == [1, 2])
    }

    @Test func revisionsThatLeapToTheEndTrapNothing() throws {
        let line = TopologyDriver(topology: .testing(format: .ditto), registry: .builtin)
        for thing in ["a", "b", "c"] {
            for (revision, path, value) in [
                (Int64(1), "/", #"{"thingId":"t:\#(thing)"}"#), (.max, "/attributes/x", "1"),
                (.max, "/attributes/x", "2"),
            ] {
                let action = revision == 1 ? "created" : "modified"
                try line.send(
                    "events", key: "t:\(thing)",
                    value:
                        #"{"topic":"t/\#(thing)/things/twin/events/\#(action)","path":"\#(path)","value":\#(value),"revision":\#(revision)}"#,
                    partition: 0)
            }
        }
        #expect(line.counters["gaps"] == 3 && line.counters["duplicate"] == 3)
        #expect(line.counters["missed"] == .max)
    }

    @Test func aKeyThatIsNotTheThingIdIsCounted() throws {
        let line = driver()
        for key in ["t:a", "t:b", nil, "", "t:aa"] {
            try line.send("events", key: key, value: telemetry("t:a", at: 1, #""x":1"#), partition: 0)
        }
        #expect(line.counters["keyMismatch"] == 4)
        #expect(line.counters["applied"] == 5)
    }

    @Test func streamTimeFollowsTheEventsButNoClockThatRunsAhead() throws {
        let line = driver()
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1000, #""x":1"#), at: time(1000))
        #expect(line.streamTime() == time(1000))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 500, #""x":2"#), at: time(2000))
        #expect(line.streamTime() == time(1000))
        // 2199, by a device whose clock is wrong: a minute after the broker's time, no more.
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 7_226_582_400_000, #""x":3"#), at: time(3000))
        #expect(line.streamTime() == time(63_000))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 70_000, #""x":4"#), at: time(70_000))
        #expect(line.streamTime() == time(70_000))
        let task = TaskID(stage: line.topology.stages[0].name, partition: 0)
        #expect(line.store.task(task)?.streamTime == time(70_000))
    }

    @Test func pathsBeyond1024BytesAreCountedAndLeftOut() throws {
        let line = driver()
        let longest = String(repeating: "p", count: 1024 - "/features/f/properties/".utf8.count)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, "\"\(longest)\":1,\"\(longest)p\":2"))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, "\"\(longest)p\":3"))
        #expect(line.counters["longPaths"] == 2)
        #expect(line.counters["samples"] == 1)
        #expect(line.store.allSeries.map(\.path.utf8.count) == [1024])
    }

    @Test func integersStayExactWhereFloatsCannotHoldThem() throws {
        let line = driver(.explicit)
        let values: [Int64] = [1, 9_007_199_254_740_992, 9_007_199_254_740_993, .max, .min, -5]
        for (index, value) in values.enumerated() {
            try line.send("events", key: "t:a", value: telemetry("t:a", at: Int64(index), "\"x\":\(value)"))
        }
        try line.commit()
        let samples = line.samples("t:a", pathX)
        #expect(samples.map(\.text) == [nil, nil, "9007199254740993", "\(Int64.max)", nil, nil])
        #expect(samples.map(\.number) == values.map { Double($0) })
        #expect(samples.allSatisfy { $0.kind == .number })
    }

    @Test func eachValueHasItsKind() throws {
        let line = driver()
        let values = ["1", "true", #""t""#, "[1,2]", #""a\u0000b""#]
        for (index, value) in values.enumerated() {
            try line.send("events", key: "t:a", value: telemetry("t:a", at: Int64(index), "\"x\":\(value)"))
        }
        let samples = line.samples("t:a", pathX)
        #expect(samples.map(\.kind) == [.number, .boolean, .text, .json, .json])
        #expect(samples.map(\.text) == [nil, nil, "t", "[1,2]", #""a\u0000b""#])
        #expect(samples[1].number == 1)
    }

    @Test func aDeletedPathLeavesAnAbsentSample() throws {
        let line = driver()
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":1"#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":null"#))
        #expect(line.samples("t:a", pathX).map(\.kind) == [.number, .absent])
    }

    @Test func countersAndEpochsGoOnAfterARestart() throws {
        let store = MemoryStore()
        for round in 0..<3 {
            let line = TopologyDriver(topology: .testing(), registry: .builtin, store: store)
            try line.send("events", key: "t:a", value: telemetry("t:a", at: Int64(round), #""x":1"#))
            #expect(line.counters["records"] == Int64(round + 1))
        }
        #expect(store.committedEpochs.flatMap { $0 }.map(\.epoch) == [1, 2, 3])
        #expect(store.twin(try ThingID(validating: "t:a"))?.snapshot.revision == 3)
    }
}
