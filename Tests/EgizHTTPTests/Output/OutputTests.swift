import EgizTwin
import TestSupport
import Testing

@testable import EgizHTTP

@Suite struct OutputTests {
    @Test func jsonStringsComeBackAsTheyWere() throws {
        for text in ["", "a\"b\\c", "\u{0}\u{1}\n\r\t\u{1f}", "é😀\u{7f}", "</script>"] {
            var out = JSONOutput()
            out.beginArray()
            out.string(text)
            out.endArray()
            let parsed = try JSONParser().parse(out.bytes)
            #expect(parsed == .array([.string(text)]))
        }
    }

    @Test func commasStandBetweenMembersAndElementsOnly() {
        var out = JSONOutput()
        out.beginObject()
        out.member("a", 1)
        out.key("b")
        out.beginArray()
        out.null()
        out.bool(true)
        out.beginObject()
        out.endObject()
        out.raw("1.50".utf8)
        out.endArray()
        out.member("c", String?.none)
        out.endObject()
        #expect(String(decoding: out.bytes, as: UTF8.self) == #"{"a":1,"b":[null,true,{},1.50],"c":null}"#)
    }

    @Test(arguments: [
        (21.0, "21"), (-3.0, "-3"), (0.0, "0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e20, "1e+20"),
        (9_007_199_254_740_991, "9007199254740991"),
        (Double.leastNonzeroMagnitude, "5e-324"), (-1.5, "-1.5"),
    ])
    func numbersAreShortAndExact(value: Double, text: String) {
        #expect(NumberText.text(value) == text)
    }

    @Test func everyNumberReadsBackAsItself() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let value = Double(bitPattern: UInt64.random(in: .min ... .max, using: &random))
            guard value.isFinite else { continue }
            #expect(Double(NumberText.text(value))?.bitPattern == value.bitPattern)
        }
    }

    @Test func csvQuotesWhatNeedsQuotes() {
        var out = CSVOutput(header: ["a", "b,c"])
        out.field("plain")
        out.field("say \"hi\"\r\nthere")
        out.endRow()
        out.field(nil)
        out.field("")
        out.endRow()
        let expected = "a,\"b,c\"\r\nplain,\"say \"\"hi\"\"\r\nthere\"\r\n,\"\"\r\n"
        #expect(Array(expected.utf8) == out.bytes)
    }

    @Test func csvFieldsComeBackAsTheyWere() {
        var random = SeededGenerator(seed: 5)
        let letters = ["a", ",", "\"", "\r", "\n", "é", " "]
        for _ in 0..<500 {
            let rows = (0..<3).map { _ in
                (0..<3).map { _ in
                    (0..<Int.random(in: 0..<6, using: &random)).map { _ in letters.randomElement(using: &random)! }
                        .joined()
                }
            }
            var out = CSVOutput(header: rows[0])
            for row in rows.dropFirst() {
                for field in row { out.field(field) }
                out.endRow()
            }
            // A header name that is empty is written like any other empty text.
            #expect(CSVReader.rows(out.bytes) == rows.map { $0.map { Array($0.utf8) } })
        }
    }

    @Test func problemsListTheirFaults() {
        let one = Problem.parameter("limit", "limit must be a whole number.")
        let document = String(decoding: one.document(instance: "/api/v1/tw\"ins"), as: UTF8.self)
        #expect(
            document == #"""
                {"type":"urn:egiz:problem:parameter","title":"A parameter is not usable","status":400,"detail":"limit must be a whole number.","instance":"/api/v1/tw\"ins","code":"parameter","errors":[{"parameter":"limit","detail":"limit must be a whole number."}]}
                """#)
    }
}
