import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

/// Contract 6: `park` keeps the order of a thing.
@Suite struct ParkTests {
    @Test func laterRecordsOfAParkedThingQueueBehindItAndOthersGoOn() throws {
        let line = TopologyDriver(topology: .refusing(onError: .parked), registry: .withRefuser)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 1, #""x":1"#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":"refuse""#))
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 3, #""x":3"#))
        try line.send("events", key: "t:b", value: telemetry("t:b", at: 4, #""x":4"#))
        #expect(line.samples("t:a", pathX).map(\.number) == [1])
        #expect(line.samples("t:b", pathX).map(\.number) == [4])
        #expect(line.deadLetters.map(\.code) == ["refused", "queued"])
        #expect(line.deadLetters.map(\.disposition) == [.parked, .parked])
        #expect(line.deadLetters.map(\.attempts) == [1, 0])
        #expect(line.counters["parked"] == 1)
    }

    @Test func aThingStaysParkedAfterACrash() throws {
        let line = TopologyDriver(topology: .refusing(onError: .parked), registry: .withRefuser)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":"refuse""#))
        line.crash()
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 3, #""x":3"#))
        #expect(line.samples("t:a", pathX).isEmpty)
        #expect(line.deadLetters.map(\.code) == ["refused", "queued"])
    }

    @Test func beyondTheBoundTheTaskPausesAndNothingOfTheRecordIsDone() throws {
        var topology = Topology.refusing(onError: .parked)
        topology.sources[0].park = ParkLimits(perThing: 2, total: 100)
        let line = TopologyDriver(topology: topology, registry: .withRefuser)
        for n in 1...2 {
            try line.send("events", key: "t:a", value: telemetry("t:a", at: Int64(n), #""x":"refuse""#))
        }
        #expect(throws: EngineError.self) {
            try line.send("events", key: "t:a", value: telemetry("t:a", at: 3, #""x":3"#))
        }
        try line.commit()
        #expect(line.deadLetters.count == 2)
        #expect(line.counters["records"] == 2)
    }

    @Test func deadLettersGoToTheirTopicWithWhereTheyCameFrom() throws {
        let line = TopologyDriver(topology: .refusing(onError: .parked), registry: .withRefuser)
        try line.send("events", key: "t:a", value: telemetry("t:a", at: 2, #""x":"refuse""#))
        let record = try #require(line.emitted.first)
        #expect(record.topic == "events.dlq")
        #expect(record.id == "line/source/events/0@1/0/dlq")
        let headers = record.headers.map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
        #expect(headers.contains("egiz-dlq-topic=events"))
        #expect(headers.contains("egiz-dlq-offset=0"))
        #expect(headers.contains("egiz-dlq-code=refused"))
        #expect(headers.contains("egiz-dlq-attempts=1"))
        #expect(headers.contains("egiz-dlq-topology=line"))
        #expect(record.value.map { String(decoding: $0, as: UTF8.self) } == telemetry("t:a", at: 2, #""x":"refuse""#))
    }
}
