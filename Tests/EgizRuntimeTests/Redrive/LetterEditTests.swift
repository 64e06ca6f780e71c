import EgizCore
import EgizTwin
import Testing

@testable import EgizRuntime

/// Rule 18: an edit cannot change the key or the thing id, and what is put in must be an event.
@Suite struct LetterEditTests {
    private func letter(_ value: String?, key: String? = "t:a", thing: String? = nil) throws -> DeadLetter {
        let record = RawRecord(
            topic: 0, partition: 0, offset: 7, timestamp: EventTime(microseconds: 1_700_000_000_000_000), key: nil,
            value: nil)
        var letter = DeadLetter(
            stage: StageName(topology: "line", source: "events"), topicName: "events", record: record, headers: [],
            code: "json", message: "", thing: try thing.map { try ThingID(validating: $0) }, processor: nil)
        letter.key = key.map { Array($0.utf8) }
        letter.value = value.map { Array($0.utf8) }
        return letter
    }

    private func check(_ value: String, of letter: DeadLetter, format: RecordFormat = .telemetry) throws -> String? {
        try LetterEdit.check(Array(value.utf8), of: letter, format: format)?.text
    }

    private static func event(_ thing: String, _ x: String = "1") -> String {
        #"{"thingId":"\#(thing)","features":{"f":{"x":\#(x)}}}"#
    }

    /// What the letter is about is known from the engine's note, else from the original value, else from the key.
    @Test func theThingStaysTheOneThatTheLetterIsAbout() throws {
        for letter in [
            try letter("no JSON", key: nil, thing: "t:a"), try letter(#"{"thingId":"t:a","features":5}"#, key: "t:b"),
            try letter(Self.event("t:a"), key: nil), try letter("no JSON"), try letter(nil),
        ] {
            #expect(try check(Self.event("t:a", "2"), of: letter) == "t:a")
            #expect {
                _ = try check(Self.event("t:b", "2"), of: letter)
            } throws: { error in
                "\(error)".contains("t:a") && "\(error)".contains("cannot change the thing id")
            }
        }
    }

    @Test func whereNothingSaysTheThingTheEditDoes() throws {
        #expect(try check(Self.event("t:new"), of: letter("no JSON", key: "press 7")) == "t:new")
    }

    @Test(arguments: [
        (#"{"thingId":"t:a","features":{"f":{"x":NaN}}}"#, "json"), (#"{"thingId":"t:a","features":5}"#, "value"),
        ("", "json"), (#"{"thingId":"t:a","timestamp":-1,"features":{"f":{"x":1}}}"#, ""),
    ])
    func whatWouldBeADeadLetterAgainIsRefused(value: String, code: String) throws {
        #expect {
            _ = try check(value, of: try letter("no JSON"))
        } throws: { error in
            (error as? EngineError)?.retry == .never && "\(error)".contains(code)
        }
    }

    @Test func whatWouldOnlyBeIgnoredIsRefused() throws {
        let live = #"{"topic":"t/a/things/live/messages/x","path":"/","value":{},"revision":1}"#
        #expect {
            _ = try check(live, of: try letter("no JSON"), format: .ditto)
        } throws: { "\($0)".contains("discard") }
    }

    /// simdjson reads beyond the end of what it is given: every length must do.
    @Test func editsOfEveryLengthDecode() throws {
        for length in 1...200 {
            let text = #"{"thingId":"t:a","features":{"f":{"x":"\#(String(repeating: "x", count: length))"}}}"#
            #expect(try check(text, of: try letter("no JSON")) == "t:a")
        }
    }
}
