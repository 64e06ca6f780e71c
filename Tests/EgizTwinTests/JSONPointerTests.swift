import EgizTwin
import Testing

struct JSONPointerTests {
    @Test(
        arguments: [
            ("", []), ("/", [""]), ("/a/b", ["a", "b"]), ("/a~1b/~0~01", ["a/b", "~~1"]), ("/x~2y", ["x\u{0}y"]),
            ("/ä/%20", ["ä", "%20"]),
        ] as [(String, [String])])
    func readsAndWritesTheSame(_ text: String, _ segments: [String]) throws {
        #expect(try JSONPointer(parsing: text).segments == segments)
        #expect(JSONPointer(segments: segments).text == text)
    }

    @Test(arguments: ["a", "a/b", "/~", "/a~3", "/~/b"])
    func refusesWhatIsNoPointer(_ text: String) {
        #expect(throws: JSONError.self) { try JSONPointer(parsing: text) }
    }

    @Test func aCombiningMarkAfterASlashBelongsToTheSegment() throws {
        #expect(try JSONPointer(parsing: "/a/\u{301}b").segments.count == 2)
        #expect(try JSONPointer(parsing: "/\u{E9}") != JSONPointer(parsing: "/e\u{301}"))
    }
}
