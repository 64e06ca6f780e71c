import EgizCore
import EgizKafka
import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// What producers get wrong: each record becomes a dead letter that says why, and its neighbours go on.
@Suite(.serialized)
struct BadInputTests {
    private static func event(
        _ name: String, path: String = "/", value: String, revision: Int = 1,
        timestamp: String = "2026-03-02T06:00:00Z", action: String = "created"
    ) -> String {
        #"{"topic":"bad/\#(name)/things/twin/events/\#(action)","path":"\#(path)","value":\#(value),"revision":\#(revision),"timestamp":"\#(timestamp)"}"#
    }

    @Test(.timeLimit(.minutes(3)))
    func everyBadRecordIsKeptWithItsReasonAndTheRestGoesOn() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 2)])
            let topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 2)
            let good = Self.event("good", value: #"{"thingId":"bad:good"}"#)
            let huge = String(repeating: "x", count: 10 << 20)
            let records: [(code: String?, value: [UInt8]?)] = [
                (nil, Array(good.utf8)),
                ("json", Array(#"{"topic":"bad/a/things"#.utf8)),
                ("json", [0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
                (nil, nil),
                ("json", []),
                ("json", Array(Self.event("nan", value: #"{"thingId":"bad:nan","attributes":{"x":NaN}}"#).utf8)),
                (
                    "thing-id",
                    Array(#"{"topic":"bad/\u00e4/things/twin/events/created","path":"/","value":{},"revision":1}"#.utf8)
                ),
                ("path", Array(Self.event("p", path: "//", value: "1", action: "modified").utf8)),
                (
                    "time",
                    Array(Self.event("old", value: #"{"thingId":"bad:old"}"#, timestamp: "1900-01-01T00:00:00Z").utf8)
                ),
                (
                    "time",
                    Array(Self.event("new", value: #"{"thingId":"bad:new"}"#, timestamp: "2200-01-02T00:00:00Z").utf8)
                ),
                (nil, Array(Self.event("big", value: #"{"thingId":"bad:big","attributes":{"x":"\#(huge)"}}"#).utf8)),
                (
                    nil,
                    Array(Self.event("good", path: "/attributes/x", value: "1", revision: 2, action: "modified").utf8)
                ),
            ]
            let producer = try KafkaProducer(
                brokers: world.brokers, properties: ["message.max.bytes": "20000000"], log: world.logger)
            for record in records {
                try producer.send(topic: topic, partition: 0, key: Array("bad:good".utf8), value: record.value)
            }
            #expect(producer.flush(timeout: .seconds(30)))

            let worker = try world.startWorker(file)
            let connection = try world.connect()
            let done = try eventually(within: 60) {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
                    >= Int64(records.count)
            }
            #expect(done, "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
            let letters = try connection.query(
                "select \"offset\", code, message, value from egiz.dead_letter order by \"offset\"")
            let expected = records.enumerated().filter { $0.element.code != nil }
            try #require(letters.count == expected.count)
            for (row, (offset, record)) in expected.enumerated() {
                #expect(letters.int64(row, 0) == Int64(offset))
                #expect(letters.string(row, 1) == record.code, "offset \(offset): \(letters.string(row, 2))")
                #expect(letters.bytes(row, 3) == record.value ?? [])
            }
            let twins = try connection.query("select thing_id, revision from egiz.twin order by thing_id")
            #expect((0..<twins.count).map { twins.string($0, 0) } == ["bad:big", "bad:good"])
            #expect(twins.int64(1, 1) == 2)
        }
    }
}
