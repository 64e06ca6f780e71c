import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// Rule 5: a record is atomic in its stage.
@Suite struct RefusalTests {
    @Test func aRefusedRecordLeavesNeitherStateNorEffects() throws {
        let line = TopologyDriver(topology: .refusing(), registry: .withRefuser, epochs: .explicit)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":1"#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":2,"y":"refuse""#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 3, #""x":3"#))
        try line.commit()
        #expect(line.samples("t:a", pathX).map(\.number) == [1, 3])
        #expect(line.samples("t:a", "/features/f/properties/y").isEmpty)
        #expect(line.twin("t:a")?.contains("refuse") == false)
        #expect(line.store.twin(try ThingID(validating: "t:a"))?.snapshot.revision == 2)
        #expect(line.deadLetters.map(\.code) == ["refused"])
        #expect(line.deadLetters.first?.processor == "refuser")
        #expect(line.deadLetters.first?.position.offset == 1)
    }

    @Test func aThingWhoseFirstRecordIsRefusedIsNotCreated() throws {
        let line = TopologyDriver(topology: .refusing(), registry: .withRefuser)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":"refuse""#))
        #expect(line.store.allTwins.isEmpty)
        #expect(line.store.allSeries.isEmpty)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":2"#))
        #expect(line.store.twin(try ThingID(validating: "t:a"))?.snapshot.revision == 1)
    }

    @Test(arguments: 0..<30)
    func aFoldWithRefusalsEqualsAFoldWithoutTheRefusedRecords(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let cache = seed % 2 == 0 ? Int.max : 2000
        let whole = TopologyDriver(
            topology: .refusing().withRollup(every: 20), registry: .withRefuser, epochs: .explicit, cacheBytes: cache)
        let clean = TopologyDriver(topology: .testing().withRollup(every: 20), registry: .builtin)
        var refused = 0
        for n in 0..<300 {
            let thing = "t:m\(Int.random(in: 0..<6, using: &random))"
            let isRefused = Int.random(in: 0..<4, using: &random) == 0
            let value = ["\(n)", "true", #""text""#, "[\(n)]", "null"].randomElement(using: &random) ?? "1"
            let path = ["x", "y", "z"].randomElement(using: &random) ?? "x"
            // A refused record changes more than the text that gives it away.
            let extra = isRefused ? #","deep":{"q":"refuse"},"z":null"# : ""
            let properties = path == "z" && isRefused ? "\"x\":\(value)\(extra)" : "\"\(path)\":\(value)\(extra)"
            let record = telemetry(thing, at: Int64(n), properties)
            try whole.send("events", key: thing, value: record)
            if isRefused {
                refused += 1
            } else {
                try clean.send("events", key: thing, value: record)
            }
            if Int.random(in: 0..<10, using: &random) == 0 { try whole.commit() }
        }
        // Stream time moves on with refused records, too: only here all windows are closed in both.
        for line in [whole, clean] {
            try line.send("events", key: "t:z", value: telemetry("t:z", at: 10_000, #""x":1"#))
        }
        try whole.commit()
        #expect(whole.deadLetters.count == refused)
        #expect(whole.store.allRollups == clean.store.allRollups)
        #expect(Set(whole.store.allTwins.keys) == Set(clean.store.allTwins.keys))
        for (thing, row) in clean.store.allTwins {
            #expect(whole.store.twin(thing)?.snapshot.document == row.snapshot.document)
            #expect(whole.store.twin(thing)?.snapshot.revision == row.snapshot.revision)
        }
        #expect(Set(whole.store.allSeries) == Set(clean.store.allSeries))
        for series in clean.store.allSeries {
            #expect(whole.store.samples(series) == clean.store.samples(series))
        }
        #expect(whole.counters["applied"] == clean.counters["applied"])
        #expect(whole.counters["samples"] == clean.counters["samples"])
    }

    /// A window that closed in the epoch has no state any more: only the epoch knows that its row is to be written.
    @Test func whatAnEpochHasDoneBeforeTwoRefusalsIsWrittenAllTheSame() throws {
        let line = TopologyDriver(
            topology: .refusing().withRollup(every: 100), registry: .withRefuser, epochs: .explicit)
        func send(_ thing: String, _ time: Int64, _ properties: String) throws {
            try line.send(
                "events", key: thing, value: telemetry(thing, at: time, properties),
                at: EventTime(microseconds: time * 1000))
        }
        try send("t:a", 1, #""x":1"#)
        try line.commit()
        try send("t:a", 2, #""x":2"#)
        try send("t:b", 500, #""x":5"#)
        try send("t:a", 501, #""x":7"#)
        try send("t:a", 502, #""x":8,"y":"refuse""#)
        try send("t:a", 503, #""x":9,"y":"refuse""#)
        try line.commit()
        let rows = line.store.allRollups.filter { $0.thing.text == "t:a" }
        #expect(rows.map(\.aggregate.count) == [2, 1])
        #expect(rows.map(\.isFinal) == [true, false])
    }
}
