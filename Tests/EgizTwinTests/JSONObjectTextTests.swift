import EgizTwin
import Testing

/// What is written member by member is what the object would be written as.
@Suite struct JSONObjectTextTests {
    @Test func aWrittenObjectIsTheTextOfTheObject() {
        let name = "a \"b\"\\\n\u{1}\u{E9}😀"
        let time = EventTime(microseconds: 1_772_431_300_120_000)
        var inner = JSONObject()
        inner["n"] = .int(.min)
        inner["list"] = .array([.double(0.5), .null, .bool(true)])
        var object = JSONObject()
        object["name"] = .string(name)
        object["empty"] = .object(JSONObject())
        object["inner"] = .object(inner)
        object["time"] = .string(time.text)
        object["count"] = .int(.max)

        var text = JSONObjectText()
        text.open()
        text.member("name", name)
        text.open("empty")
        text.close()
        text.open("inner")
        text.member("n", Int64.min)
        text.member("list", .array([.double(0.5), .null, .bool(true)]))
        text.close()
        text.member("time", time)
        text.member("count", Int64.max)
        text.close()
        #expect(String(decoding: text.bytes, as: UTF8.self) == JSONValue.object(object).text)
    }
}
