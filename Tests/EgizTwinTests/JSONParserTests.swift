import EgizTwin
import TestSupport
import Testing

struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)) }

    @Test(arguments: [
        "1", "-0", " [1] ", "\t{\n}\r\n", #"{"a":1,"a":2}"#, "1E20", "9223372036854775808.0", "1e-400", #""\u0000""#,
        "9223372036854775807", "-9223372036854775808", #""\ud83d\ude00""#, "[[[]]]", #"["",{"a":""}]"#, "null", "-0.0",
    ])
    func acceptsWhatDittoAccepts(_ text: String) throws { _ = try parse(text) }

    @Test(arguments: [
        "", " ", "\u{FEFF}1", "1 2", "{} x", "NaN", "Infinity", "01", "+1", ".5", "1.", "-", "1e", "[1,]", "[1,2}",
        "{]",
        #"{"a":1,}"#, #"{"a"}"#, #"{a:1}"#, "'a'", "\"a\nb\"", "\"\u{1}\"", #""\x""#, #""\ud800""#, #""\udc00\ud800""#,
        #""\ud800\u0041""#, "9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "123456789012345678901234567890", "1e400", "-1e400", #"{"":1}"#, #"[{"a":[{"b":{"":null}}]}]"#, "tru", "nul",
        "[1 2]",
        "\"abc", "/*c*/1", "{\"a\":1", "]", "\u{0}",
    ])
    func refusesWhatDittoRefuses(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test(
        arguments: [[0xFF], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0xAF, 0x22]] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONParser().parse(bytes) }
    }

    @Test func allowsAThousandLevelsAndNoMore() throws {
        func nested(_ n: Int) -> String { String(repeating: "[", count: n) + String(repeating: "]", count: n) }
        func objects(_ n: Int) -> String {
            String(repeating: #"{"a":"#, count: n) + "1" + String(repeating: "}", count: n)
        }
        _ = try parse(nested(1000))
        _ = try parse(objects(1000))
        #expect(throws: JSONError.self) { try parse(nested(1001)) }
        #expect(throws: JSONError.self) { try parse(objects(1001)) }
        #expect(throws: JSONError.self) { try parse(nested(100_000)) }
    }

    @Test func integersKeepAllTheirBits() throws {
        #expect(try parse("9007199254740993") == .int(9_007_199_254_740_993))
        #expect(try parse("9007199254740993") != .double(9_007_199_254_740_992))
        #expect(try parse("9223372036854775807").text == "9223372036854775807")
        #expect(try parse("-0").text == "0")
        #expect(try parse("1.0") == .int(1))
        #expect(try parse("true") != .int(1))
    }

    @Test func theLastOfRepeatedMembersWins() throws {
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#).text == #"{"a":3,"b":2}"#)
        let many = (0..<100).map { #""k\#($0 % 50)":\#($0)"# }.joined(separator: ",")
        let object = try #require(try parse("{\(many)}").object)
        #expect(object.count == 50 && object["k49"] == .int(99) && object["k0"] == .int(50))
    }

    @Test func namesAreComparedByTheirBytes() throws {
        let object = try #require(
            try parse("{\"\u{2126}\":1,\"\u{3A9}\":2,\"e\u{301}\":3,\"\u{E9}\":4,\"\u{212A}\":5,\"K\":6}").object)
        #expect(object.count == 6)
        #expect(object["\u{2126}"] == .int(1) && object["\u{3A9}"] == .int(2) && object["K"] == .int(6))
        #expect(try parse("\"\u{E9}\"") != parse("\"e\u{301}\""))
    }

    @Test(arguments: [
        "0.1", "1e+20", "5e-324", "1.7976931348623157e+308", "-0.0", "123456.789", "1.0", "9.223372036854776e+18",
        #""a\"\\\n\u0000\u001f€😀""#, #"{"a":[1,{"b":null}],"c":{}}"#,
    ])
    func whatIsWrittenReadsBackTheSame(_ text: String) throws {
        let value = try parse(text)
        #expect(value.text == text)
        #expect(try parse(value.text) == value)
    }

    /// The parser reads a little beyond the text; whatever stands there must not matter, nor where a page ends.
    @Test func whatFollowsTheTextInMemoryDoesNotMatter() throws {
        let parser = JSONParser()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * 4096, alignment: 4096)
        defer { memory.deallocate() }
        for text in ["12", #"{"a":12}"#, #"[1,"x"]"#, "\"ab\""] {
            for end in stride(from: 4096 - 70, through: 4096 + 70, by: 1) {
                memory.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "3"))
                let start = end - text.utf8.count
                for (index, byte) in text.utf8.enumerated() { memory[start + index] = byte }
                let value = try parser.parse(UnsafeRawBufferPointer(rebasing: memory[start..<end]))
                #expect(value.text == text)
            }
        }
    }

    @Test func mutilatedTextsNeverTrap() {
        var random = SeededGenerator(seed: 7)
        let parser = JSONParser()
        let valid = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",true,null,{"b":{}}],"c":9223372036854775807}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
            }
            guard let value = try? parser.parse(bytes) else { continue }
            // What was accepted has one meaning.
            #expect((try? parser.parse(Array(value.text.utf8))) == value)
        }
    }

    @Test func tooManyBytesAreRefused() {
        #expect(throws: JSONError.self) {
            try JSONParser().parse([UInt8](repeating: 32, count: JSONParser.maxBytes + 1))
        }
    }
}
