import EgizTwin
import Testing

/// The order of the checks, and corners of topics and paths, beside the corpus.
struct RecordDecoderTests {
    private func reason(_ record: String) -> String? {
        let replay = Replay()
        replay.feed(#"{"topic":"n/t/things/twin/events/created","path":"/","value":{"thingId":"n:t"},"revision":1}"#)
        replay.feed(record)
        return replay.reasons["1"]
    }

    @Test(arguments: [
        ("", "json"), ("[]", "envelope"), (#"{"topic":null}"#, "envelope"), (#"{"topic":"x","headers":1}"#, "topic"),
        (#"{"topic":"n/ä/things/twin/events/modified","headers":1}"#, "thing-id"),
        (#"{"topic":"1n/t/things/twin/events/modified"}"#, "thing-id"),
        (#"{"topic":"n/t/things/twin/events/modified"}"#, "envelope"),
        (#"{"topic":"n/t/things/twin/events/modified","path":"//","headers":[]}"#, "envelope"),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/x","revision":"2"}"#, "revision"),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/x","revision":2.5}"#, "path"),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","timestamp":"x"}"#, "revision"),
        (
            #"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","revision":2,"timestamp":"x"}"#,
            "timestamp"
        ),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","revision":2}"#, "value"),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/","revision":2,"value":{"thingId":"n:u"}}"#, "identity"),
        (#"{"topic":"n/t/things/twin/events/merged","path":"/","revision":2,"value":{"thingId":null}}"#, "identity"),
        (#"{"topic":"n/t/things/twin/events/merged","path":"/","revision":2,"value":[]}"#, "value"),
        (#"{"topic":"n/t/things/twin/events/merged","path":"/attributes","revision":1,"value":5}"#, "duplicate"),
        (#"{"topic":"n/t/things/twin/events/merged","path":"/attributes","revision":2,"value":5}"#, "merge"),
        (#"{"topic":"n/t/things/twin/events/merged","path":"/","revision":2,"value":{"{{ ~.*~ }}":null}}"#, "merge"),
        (
            #"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","revision":9223372036854775808,"value":1}"#,
            "json"
        ),
        (#"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","revision":1e300,"value":1}"#, "revision"),
        (#"{"topic":"n/t/things/live/events/modified","path":5}"#, "live"),
        (#"{"topic":"n/t/policies/events/modified","path":5}"#, "not-thing"),
        (#"{"topic":"n/t/things/twin/commands/modify","path":5}"#, "not-event"),
        (#"{"topic":"n/t/things/twin/events/migrated","path":"/attributes","revision":2,"value":{}}"#, "path"),
        (#"{"topic":"n/t/things/twin/events/deleted","path":"/policyId","revision":2}"#, "path"),
    ])
    func theFirstFaultDecides(_ record: String, _ expected: String) {
        #expect(reason(record) == expected)
    }

    @Test(arguments: [
        "attributes/a", "/attributes/a/", "/attributes/{{ ~a~ }}", "/features/f/properties/definition",
        "/attributes/a~b",
        "/attributes/~", "/attributes/ ",
    ])
    func thesePathsNameResources(_ path: String) {
        #expect(
            reason(#"{"topic":"n/t/things/twin/events/modified","path":"\#(path)","revision":2.0,"value":null}"#) == nil
        )
    }

    @Test func anEventMayBeFoldedWithAnotherPathTable() throws {
        let replay = Replay()
        replay.feed(#"{"topic":"n/t/things/twin/events/created","path":"/","value":{"thingId":"n:t"},"revision":1}"#)
        replay.feed(#"{"topic":"n/t/things/twin/events/modified","path":"/attributes/a","value":1,"revision":2}"#)
        let other = PathTable()
        let twin = Twin(thing: try ThingID(validating: "n:t"))
        var change = ChangeBuffer()
        for event in replay.applied { _ = twin.apply(event, paths: other, into: &change) }
        #expect(change.leaves.map { other.text(of: $0.path) } == ["/attributes/a"])
    }
}
