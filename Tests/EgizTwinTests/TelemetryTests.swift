import EgizTwin
import Testing

struct TelemetryTests {
    @Test func theFirstRecordCreatesTheThing() throws {
        let replay = Replay()
        replay.feed(
            #"{"thingId":"t.acme:f","timestamp":"2026-03-02T06:00:00.5Z","features":{"filler":{"temperature":21.5}}}"#,
            .telemetry)
        let expected =
            #"{"thingId":"t.acme:f","features":{"filler":{"properties":{"temperature":21.5}}},"_revision":1,"_created":"2026-03-02T06:00:00.500Z","_modified":"2026-03-02T06:00:00.500Z"}"#
        #expect(replay.twin("t.acme:f")?.document?.text == expected)
        #expect(replay.last.map { replay.paths.text(of: $0.path) } == ["/features/filler/properties/temperature"])
        #expect(replay.last.first?.value == .number(21.5))
    }

    @Test func recordsMergeAndAreNumberedByTheTwin() {
        let replay = Replay()
        replay.feed(#"{"thingId":"t:f","features":{"a":{"x":1,"y":{"z":2},"gone":3}}}"#, .telemetry, at: 1_000_000)
        replay.feed(
            #"{"thingId":"t:f","timestamp":null,"features":{"a":{"x":1,"y":{"w":5},"gone":null},"b":{}},"more":[1]}"#,
            .telemetry,
            at: 2_000_000)
        #expect(
            replay.twin("t:f")?.document?.text
                == #"{"thingId":"t:f","features":{"a":{"properties":{"x":1,"y":{"z":2,"w":5}}},"b":{"properties":{}}},"_revision":2,"_created":"1970-01-01T00:00:01Z","_modified":"1970-01-01T00:00:02Z"}"#
        )
        #expect(replay.last.map(\.changed) == [false, true, true])
    }

    @Test func aTimestampMayCountMilliseconds() {
        let replay = Replay()
        replay.feed(#"{"thingId":"t:f","timestamp":1500,"features":{}}"#, .telemetry)
        #expect(replay.applied.first?.time == EventTime(microseconds: 1_500_000))
        #expect(replay.twin("t:f")?.document?.object?["features"] == .object(JSONObject()))
    }

    @Test(arguments: [
        ("{", "json"), ("[]", "envelope"), ("1", "envelope"), (#"{"features":{}}"#, "thing-id"),
        (#"{"thingId":"nocolon","features":{}}"#, "thing-id"), (#"{"thingId":5,"features":{}}"#, "thing-id"),
        (#"{"thingId":"a:b"}"#, "value"), (#"{"thingId":"a:b","features":null}"#, "value"),
        (#"{"thingId":"a:b","features":{"f":1}}"#, "value"), (#"{"thingId":"a:b","features":{"f":null}}"#, "value"),
        (#"{"thingId":"a:b","timestamp":"now","features":{}}"#, "timestamp"),
        (#"{"thingId":"a:b","timestamp":1.5,"features":{}}"#, "timestamp"),
        (#"{"thingId":"a:b","timestamp":9223372036854775807,"features":{}}"#, "timestamp"),
        (#"{"thingId":"a:b","timestamp":true,"features":{}}"#, "envelope"),
    ])
    func badRecordsAreRejected(_ record: String, _ code: String) {
        let replay = Replay()
        replay.feed(record, .telemetry)
        #expect(replay.reasons == ["0": code])
        #expect(replay.twins.isEmpty)
    }

    @Test func oddKeysAreOrdinaryInTelemetry() {
        let replay = Replay()
        replay.feed(#"{"thingId":"t:f","features":{"a":{"x":1}}}"#, .telemetry)
        replay.feed(#"{"thingId":"t:f","features":{"a":{"{{ ~.*~ }}":null}}}"#, .telemetry)
        #expect(replay.last.isEmpty)
    }

    @Test func aDeletedThingStartsAnewWithTheNextRevision() {
        let replay = Replay()
        replay.feed(#"{"thingId":"t:f","features":{"a":{"x":1}}}"#, .telemetry)
        replay.feed(#"{"topic":"t/f/things/twin/events/deleted","path":"/","revision":7}"#)
        replay.feed(#"{"thingId":"t:f","features":{"a":{"y":null,"z":2}}}"#, .telemetry, at: 3_000_000)
        #expect(
            replay.twin("t:f")?.document?.text
                == #"{"thingId":"t:f","features":{"a":{"properties":{"z":2}}},"_revision":8,"_created":"1970-01-01T00:00:03Z","_modified":"1970-01-01T00:00:03Z"}"#
        )
    }

    @Test func formatJSONHasNoTwinEvents() {
        let replay = Replay()
        replay.feed("{}", .json)
        replay.feed("{", .json)
        #expect(replay.reasons == ["0": "envelope", "1": "json"])
    }
}
