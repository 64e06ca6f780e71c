import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct RollupTests {
    private static let mark = SourceMark(line: 1, column: 1)

    private func topology(
        interval: Int64 = 60_000, hop: Int64? = nil, grace: Int64 = 0, to: String? = nil, lateTo: String? = nil
    ) -> Topology {
        func value(_ content: ConfigValue.Content) -> ConfigValue { ConfigValue(content, at: Self.mark) }
        var settings: [String: ConfigValue] = [
            "include": value(.list([value(.string("/features/**"))])), "exclude": value(.list([])),
            "interval": value(.int(interval)), "grace": value(.int(grace)),
        ]
        if let hop { settings["hop"] = value(.int(hop)) }
        if let to { settings["to"] = value(.string(to)) }
        if let lateTo { settings["lateTo"] = value(.string(lateTo)) }
        return .testing(
            further: [
                ProcessorDefinition(name: "minutes", kind: "rollup", from: "twins", settings: settings, mark: Self.mark)
            ])
    }

    private func record(_ thing: String, _ milliseconds: Int64, _ value: String) -> String {
        #"{"thingId":"\#(thing)","timestamp":\#(milliseconds),"features":{"f":{"x":\#(value)}}}"#
    }

    private func send(_ line: TopologyDriver, _ milliseconds: Int64, _ value: String, _ thing: String = "t:a") throws {
        try line.send(
            "events", key: thing, value: record(thing, milliseconds, value),
            at: EventTime(microseconds: milliseconds * 1000))
    }

    private func text(_ row: RollupRow) -> String {
        let a = row.aggregate
        return
            "\(row.thing) \(row.start.microseconds / 1000)..<\(row.end.microseconds / 1000) n=\(a.count) \(a.min)..\(a.max) sum=\(a.sum) \(a.first)->\(a.last)\(row.isFinal ? " final" : "")"
    }

    @Test func aWindowGathersItsNumbersAndClosesWhenStreamTimePassesIt() throws {
        let line = TopologyDriver(topology: topology(), registry: .builtin)
        try send(line, 60_000, "1")
        try send(line, 90_000, "5")
        try send(line, 80_000, "3.5")
        try send(line, 119_999, "true")
        #expect(line.store.allRollups.map(text) == ["t:a 60000..<120000 n=3 1.0..5.0 sum=9.5 1.0->5.0"])
        try send(line, 120_000, "7")
        #expect(
            line.store.allRollups.map(text) == [
                "t:a 60000..<120000 n=3 1.0..5.0 sum=9.5 1.0->5.0 final",
                "t:a 120000..<180000 n=1 7.0..7.0 sum=7.0 7.0->7.0",
            ])
    }

    @Test func aLateSampleCorrectsOnlyItsOwnWindowOfItsOwnTwin() throws {
        let line = TopologyDriver(topology: topology(grace: 60_000), registry: .builtin)
        try send(line, 60_000, "1")
        try send(line, 60_000, "10", "t:b")
        try send(line, 130_000, "2")
        try send(line, 70_000, "3")
        #expect(
            line.store.allRollups.map(text) == [
                "t:a 60000..<120000 n=2 1.0..3.0 sum=4.0 1.0->3.0", "t:a 120000..<180000 n=1 2.0..2.0 sum=2.0 2.0->2.0",
                "t:b 60000..<120000 n=1 10.0..10.0 sum=10.0 10.0->10.0",
            ])
    }

    @Test func whatComesAfterTheGraceIsCountedAndSentOn() throws {
        let line = TopologyDriver(topology: topology(lateTo: "late"), registry: .builtin)
        try send(line, 60_000, "1")
        try send(line, 120_000, "2")
        try send(line, 61_000, "3")
        #expect(line.store.allRollups.first?.aggregate.count == 1)
        #expect(line.counters["late"] == 1)
        #expect(line.emitted.map(\.topic) == ["late"])
        #expect(line.emitted.first?.id == "line/source/events/0@1/2/0")
        #expect(
            line.emitted.first?.value.map { String(decoding: $0, as: UTF8.self) }
                == #"{"thingId":"t:a","path":"/features/f/properties/x","time":"1970-01-01T00:01:01Z","value":3.0}"#)
    }

    /// With `lateTo` a rollup can refuse: what the record did to the windows that still stand is taken back.
    @Test func aLateSampleThatKafkaDoesNotTakeIsADeadLetterAndChangesNothing() throws {
        var topology = topology(hop: 30_000, lateTo: "late")
        for place in topology.processors.indices { topology.processors[place].onError = .dead }
        let line = TopologyDriver(topology: topology, registry: .builtin, epochs: .explicit, largestRecord: 400)
        try send(line, 60_000, "1")
        try send(line, 125_000, "2")
        // Too late for the window from 60 s, in time for the one from 90 s.
        try send(line, 100_000, "3")
        let long = String(repeating: "y", count: 200)
        try line.send(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":100000,"features":{"f":{"x":7,"\#(long)":7}}}"#,
            at: EventTime(microseconds: 126_000_000))
        try send(line, 127_000, "4")
        try line.commit()
        #expect(line.deadLetters.map(\.code) == ["output-size"])
        #expect(line.emitted.filter { $0.topic == "late" }.map(\.id) == ["line/source/events/0@1/2/0"])
        #expect(
            line.store.allRollups.map(text) == [
                "t:a 30000..<90000 n=1 1.0..1.0 sum=1.0 1.0->1.0 final",
                "t:a 60000..<120000 n=1 1.0..1.0 sum=1.0 1.0->1.0 final",
                "t:a 90000..<150000 n=3 2.0..4.0 sum=9.0 3.0->4.0",
                "t:a 120000..<180000 n=2 2.0..4.0 sum=6.0 2.0->4.0",
            ])
        #expect(line.store.twin(try ThingID(validating: "t:a"))?.snapshot.revision == 4)
    }

    @Test func onlyARollupThatTellsOfLateSamplesCanRefuse() throws {
        let silent = try #require(topology(to: "closed").processors.first { $0.kind == "rollup" })
        let telling = try #require(topology(lateTo: "late").processors.first { $0.kind == "rollup" })
        #expect(try !Rollup(silent).refuses && Rollup(telling).refuses)
    }

    @Test func aClosedWindowWhoseRecordKafkaDoesNotTakeIsCountedAndStoredAllTheSame() throws {
        let line = TopologyDriver(topology: topology(to: "closed"), registry: .builtin, largestRecord: 400)
        try send(line, 60_000, "1")
        try send(line, 120_000, "2")
        #expect(line.emitted.isEmpty)
        #expect(line.counters["ruleErrors"] == 1)
        #expect(line.store.allRollups.map(\.isFinal) == [true, false])
    }

    @Test func closedWindowsAreEmittedOnceWithTheTimeInTheirId() throws {
        let line = TopologyDriver(topology: topology(to: "closed"), registry: .builtin)
        try send(line, 60_000, "1")
        try send(line, 90_000, "2")
        #expect(line.emitted.isEmpty)
        try line.advanceStreamTime(to: EventTime(microseconds: 500_000_000))
        #expect(line.emitted.map(\.id) == ["line/source/events/0@1/t120000000/0"])
        #expect(
            line.emitted.first?.value.map { String(decoding: $0, as: UTF8.self) }
                == #"{"thingId":"t:a","path":"/features/f/properties/x","start":"1970-01-01T00:01:00Z","end":"1970-01-01T00:02:00Z","count":2,"min":1.0,"max":2.0,"sum":3.0,"avg":1.5,"first":1.0,"last":2.0}"#
        )
        #expect(line.store.allStates.isEmpty, "a thing without open windows has no state")
        #expect(line.store.allTimers(of: TaskID(stage: line.topology.stages[0].name, partition: 0)).isEmpty)
    }

    @Test func oneEventDated2200ClosesNothing() throws {
        let line = TopologyDriver(topology: topology(), registry: .builtin)
        try send(line, 60_000, "1")
        try line.send(
            "events", key: "t:a", value: record("t:a", 7_000_000_000_000, "9"), at: EventTime(microseconds: 61_000_000))
        #expect(line.store.allRollups.contains { $0.start.microseconds == 60_000_000 && !$0.isFinal } == false)
        try send(line, 100_000, "2")
        // Stream time is the record's time and a minute: 121 s, so the window of the first minute is closed, nothing beyond.
        #expect(line.streamTime()?.microseconds == 121_000_000)
    }

    /// Windows, cuts into epochs, tiny caches and crashes against a few lines that know none of them.
    @Test(arguments: 0..<25)
    func rollupsEqualASimpleFoldWhateverHappensInBetween(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let size = Int64([10_000, 60_000].randomElement(using: &random) ?? 10_000)
        let hop = Bool.random(using: &random) ? size : size / 5
        let grace = Int64.random(in: 0...2, using: &random) * 5000
        let line = TopologyDriver(
            topology: topology(interval: size, hop: hop, grace: grace, to: "closed"), registry: .builtin,
            epochs: .explicit, cacheBytes: Bool.random(using: &random) ? .max : 1000, timerPage: 2)
        var sent: [(Int64, String, String)] = []
        var expected: [String: (n: Int, sum: Double, last: Double, lastTime: Int64)] = [:]
        var late = 0
        var now: Int64 = 100_000
        var stream: Int64 = .min
        var committed = 0
        for n in 0..<400 {
            now += Int64.random(in: 0..<2000, using: &random)
            let time = max(0, now - Int64.random(in: 0..<30_000, using: &random))
            let thing = "t:m\(Int.random(in: 0..<5, using: &random))"
            sent.append((time, "\(n)", thing))
            stream = max(stream, time)
            var start = time / hop * hop - (size - 1) / hop * hop
            var isLate = false
            while start <= time {
                if start + size > time {
                    if start + size + grace <= stream {
                        isLate = true
                    } else {
                        var row = expected["\(thing) \(start)"] ?? (0, 0, 0, .min)
                        row.n += 1
                        row.sum += Double(n)
                        if time >= row.lastTime { (row.last, row.lastTime) = (Double(n), time) }
                        expected["\(thing) \(start)"] = row
                    }
                }
                start += hop
            }
            if isLate { late += 1 }
            try send(line, time, "\(n)", thing)
            switch Int.random(in: 0..<20, using: &random) {
            case 0...2:
                try line.commit()
                committed = sent.count
            case 3:
                line.crash()
                for (time, value, thing) in sent[committed...] { try send(line, time, value, thing) }
            default: break
            }
        }
        try line.commit()
        let rows = line.store.allRollups
        #expect(rows.count == expected.count)
        for row in rows {
            let want = expected["\(row.thing) \(row.start.microseconds / 1000)"]
            #expect(row.aggregate.count == want.map { Int64($0.n) })
            #expect(row.aggregate.sum == want?.sum)
            #expect(row.aggregate.last == want?.last)
            #expect(row.isFinal == (row.end.microseconds / 1000 + grace <= stream))
        }
        #expect(line.counters["late"] == Int64(late))
        let ids = line.emitted.map(\.id)
        #expect(Set(ids).count == ids.count)
        #expect(line.emitted.count == rows.filter(\.isFinal).count)
    }

    /// Rule 16: idle advances are kept, so that a fold of the log can repeat them and closes the same windows.
    @Test(arguments: 0..<10)
    func aFoldThatRepeatsTheIdleAdvancesGivesTheSameRollups(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let line = TopologyDriver(topology: topology(to: "closed"), registry: .builtin, epochs: .explicit)
        var sent: [(Int64, String, String)] = []
        var now: Int64 = 100_000
        for n in 0..<200 {
            now += Int64.random(in: 0..<20_000, using: &random)
            let record = (max(0, now - Int64.random(in: 0..<90_000, using: &random)), "\(n)", "t:m\(n % 3)")
            sent.append(record)
            try send(line, record.0, record.1, record.2)
            if Int.random(in: 0..<4, using: &random) == 0 { try line.commit() }
            if Int.random(in: 0..<8, using: &random) == 0 {
                try line.commit()
                now += Int64.random(in: 0..<120_000, using: &random)
                try line.advanceStreamTime(to: EventTime(microseconds: now * 1000))
            }
        }
        try line.commit()
        let task = TaskID(stage: line.topology.stages[0].name, partition: 0)
        let idle = try #require(line.store.task(task)?.idle)
        #expect(!idle.isEmpty)
        let fold = TopologyDriver(topology: topology(to: "closed"), registry: .builtin)
        for (index, record) in sent.enumerated() {
            if let time = idle[Int64(index)] { try fold.advanceStreamTime(to: time) }
            try send(fold, record.0, record.1, record.2)
        }
        if let time = idle[Int64(sent.count)] { try fold.advanceStreamTime(to: time) }
        #expect(fold.store.allRollups == line.store.allRollups)
        #expect(fold.emitted.map(\.id) == line.emitted.map(\.id))
    }
}
