import EgizTwin
import Testing

/// Nesting is bounded by the record's thousand levels and the path's thousand segments; recursion must stand that.
struct DepthTests {
    private func nested(_ levels: Int, _ inner: String) -> String {
        String(repeating: #"{"a":"#, count: levels) + inner + String(repeating: "}", count: levels)
    }

    @Test func aDeepPathAndADeepValueMakeAStateThatCanBeStored() throws {
        let replay = Replay()
        let path = "/attributes" + String(repeating: "/a", count: 999)
        replay.feed(#"{"topic":"n/t/things/twin/events/created","path":"/","value":{"thingId":"n:t"},"revision":1}"#)
        replay.feed(
            #"{"topic":"n/t/things/twin/events/modified","path":"\#(path)","value":\#(nested(999, "1")),"revision":2}"#)
        #expect(replay.reasons.isEmpty)
        let twin = try #require(replay.twin("n:t"))
        let restored = try Twin(restoring: twin.snapshot(), parser: replay.parser)
        #expect(restored.document == twin.document)
        replay.feed(
            #"{"topic":"n/t/things/twin/events/merged","path":"\#(path)","value":\#(nested(999, "null")),"revision":3}"#
        )
        replay.feed(
            #"{"topic":"n/t/things/twin/events/merged","path":"\#(path)","value":\#(nested(998, #"{"{{ ~.*~ }}":null}"#)),"revision":4}"#
        )
        replay.feed(#"{"topic":"n/t/things/twin/events/deleted","path":"\#(path)","revision":5}"#)
        #expect(replay.reasons.isEmpty && replay.twin("n:t")?.revision == 5)
    }

    @Test func aPathOfMoreThanAThousandSegmentsIsRejected() {
        let replay = Replay()
        let path = "/attributes" + String(repeating: "/a", count: 1000)
        replay.feed(#"{"topic":"n/t/things/twin/events/modified","path":"\#(path)","value":1,"revision":2}"#)
        replay.feed(
            #"{"topic":"n/t/things/twin/events/modified","path":"\#(String(repeating: "/a", count: 2_000_000))","value":1,"revision":2}"#
        )
        #expect(replay.reasons == ["0": "path", "1": "path"])
    }
}
