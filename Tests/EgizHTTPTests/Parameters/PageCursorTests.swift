import TestSupport
import Testing

@testable import EgizHTTP

@Suite struct PageCursorTests {
    @Test func aCursorComesBackAsItWas() {
        for place in ["", "ns:a", "a;b;c", "öäü;1", "1;2"] {
            let cursor = PageCursor(.twins, question: ["ns", nil], place: place)
            #expect(PageCursor(.twins, question: ["ns", nil], parsing: cursor.text) == cursor)
        }
    }

    @Test func aCursorFitsOnlyItsOwnQuestion() {
        let text = PageCursor(.twins, question: ["ab", "c"], place: "x").text
        #expect(PageCursor(.twins, question: ["a", "bc"], parsing: text) == nil)
        #expect(PageCursor(.twins, question: ["ab", nil], parsing: text) == nil)
        #expect(PageCursor(.samples, question: ["ab", "c"], parsing: text) == nil)
        #expect(
            PageCursor(.twins, question: [nil, ""], parsing: PageCursor(.twins, question: ["", nil], place: "").text)
                == nil)
    }

    @Test(arguments: ["", "x", "!!!!", "AAAA", "dDE7"])
    func garbageIsNoCursor(text: String) {
        #expect(PageCursor(.twins, question: [], parsing: text) == nil)
    }

    @Test func base64ComesBackForAllLengths() {
        var random = SeededGenerator(seed: 1)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(
                text.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        }
    }
}
