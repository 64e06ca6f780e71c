import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// `onlyChanges` keeps at least one sample of each series and interval of partitions (rule 29).
@Suite struct ChangeWriterTests {
    private static let day: Int64 = 86_400_000
    private static var week: Int64 { 7 * day }

    private func line(
        retention: Int64? = nil, include: [String] = ["/attributes/**", "/features/**"],
        epochs: TopologyDriver.Epochs = .eachRecord, cacheBytes: Int = .max
    ) -> TopologyDriver {
        var topology = Topology.testing(include: include, onlyChanges: true)
        if let retention, let place = topology.processors.firstIndex(where: { $0.kind == "history-writer" }) {
            let mark = SourceMark(line: 1, column: 1)
            topology.processors[place].settings["retention"] = ConfigValue(.int(retention), at: mark)
        }
        return TopologyDriver(
            topology: topology, registry: .builtin, epochs: epochs, cacheBytes: cacheBytes)
    }

    private func send(_ line: TopologyDriver, _ time: Int64, _ members: String, thing: String = "t:a") throws {
        try line.send(
            "events", key: thing,
            value: #"{"thingId":"\#(thing)","timestamp":\#(time),"features":{"f":{\#(members)}}}"#)
    }

    private func times(_ line: TopologyDriver, _ name: String, thing: String = "t:a") -> [Int64] {
        line.samples(thing, "/features/f/properties/\(name)").map { $0.time / 1000 }
    }

    @Test func theFirstEventOfEachWeekWritesEverythingThatTheThingHas() throws {
        let line = line()
        try send(line, Self.week, #""x":1,"y":2"#)
        try send(line, Self.week + Self.day, #""x":1,"y":3"#)
        // Nothing of y, and x is what it was.
        try send(line, 2 * Self.week + Self.day, #""x":1"#)
        try send(line, 2 * Self.week + 2 * Self.day, #""x":1,"y":3"#)
        try send(line, 4 * Self.week, #""z":5"#)
        let (first, third, fifth) = (Self.week, 2 * Self.week + Self.day, 4 * Self.week)
        #expect(times(line, "x") == [first, third, fifth])
        #expect(times(line, "y") == [first, first + Self.day, third, fifth])
        #expect(times(line, "z") == [fifth])
    }

    @Test func aShortRetentionHasIntervalsOfADay() throws {
        let short = line(retention: 3 * Self.day)
        let long = line(retention: 90 * Self.day)
        for line in [short, long] {
            for hour in 0..<60 as Range<Int64> { try send(line, Self.week + hour * 3_600_000, #""x":1"#) }
        }
        #expect(times(short, "x") == [0, 1, 2].map { Self.week + $0 * Self.day })
        #expect(times(long, "x") == [Self.week])
    }

    @Test func whatIsNotIncludedIsNotWrittenThen() throws {
        let line = line(include: ["/features/*/properties/x"])
        try send(line, Self.week, #""x":1,"y":2"#)
        try send(line, 2 * Self.week, #""y":3"#)
        #expect(times(line, "x") == [Self.week, 2 * Self.week])
        #expect(times(line, "y") == [])
    }

    @Test func lateEventsOfAnEarlierWeekWriteOnlyChanges() throws {
        let line = line()
        try send(line, 3 * Self.week, #""x":1,"y":2"#)
        try send(line, 2 * Self.week, #""x":1,"y":4"#)
        try send(line, 3 * Self.week + 1, #""x":1,"y":4"#)
        #expect(times(line, "x") == [3 * Self.week])
        #expect(times(line, "y") == [2 * Self.week, 3 * Self.week])
    }

    @Test(arguments: 0..<8)
    func samplesEqualASimpleRunWhateverHappensInBetween(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let plain = line()
        let rough = line(epochs: .explicit, cacheBytes: 1)
        var time: Int64 = 0
        for _ in 0..<120 {
            time += Int64.random(in: 1...Self.day, using: &random)
            let members = #""\#(Bool.random(using: &random) ? "x" : "y")":\#(Int.random(in: 0...1, using: &random))"#
            let thing = "t:m\(Int.random(in: 0..<3, using: &random))"
            for line in [plain, rough] { try send(line, time, members, thing: thing) }
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try rough.commit()
            case 1: try rough.crashAndRestart()
            case 2: rough.loseAnswers(1)
            case 3: try rough.rebalance()
            default: break
            }
        }
        try rough.commit()
        for thing in 0..<3 {
            for name in ["x", "y"] {
                let seen = times(plain, name, thing: "t:m\(thing)")
                #expect(seen == times(rough, name, thing: "t:m\(thing)"))
                // From the week on in which it was there for the first time, each in which the thing had an event has a sample.
                let weeks = Set(seen.map { $0 / Self.week })
                let events = Set(
                    (times(plain, "x", thing: "t:m\(thing)") + times(plain, "y", thing: "t:m\(thing)")).map {
                        $0 / Self.week
                    })
                #expect(events.filter { $0 >= weeks.min() ?? .max } == weeks)
            }
        }
    }
}
