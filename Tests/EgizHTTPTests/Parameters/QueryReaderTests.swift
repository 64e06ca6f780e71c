import EgizTwin
import HTTPTypes
import Testing

@testable import EgizHTTP

@Suite struct QueryReaderTests {
    private func faults(_ query: String, known: [String] = ["limit", "cursor", "from"]) -> [Problem.Fault] {
        QueryReader(query, known: known).faults
    }

    @Test func unknownParametersAreRefusedByNameWithTheNearestKnownOne() {
        #expect(faults("limt=3").map(\.parameter) == ["limt"])
        #expect(faults("limt=3")[0].detail.contains("Did you mean limit?"))
        #expect(faults("completely-other=3")[0].detail.contains("limit, cursor, from"))
        #expect(faults("x=1", known: [])[0].detail.contains("takes none"))
    }

    @Test func allFaultsAreToldAtOnce() throws {
        var reader = QueryReader("limit=0&frm=1&from=yesterday&limit=3", known: ["limit", "from"])
        _ = reader.integer("limit", in: 1...1000, default: 100)
        _ = reader.time("from")
        let problem = #expect(throws: Problem.self) { try reader.finish() }
        #expect(problem?.faults.map(\.parameter) == ["frm", "limit", "limit", "from"])
        #expect(problem?.status == .badRequest)
    }

    @Test func valuesAreDecodedAndAPlusSignStaysOne() {
        let reader = QueryReader("a=x%20y+z%2B%C3%A9&b=&c", known: ["a", "b", "c"])
        #expect(reader.text("a") == "x y+z+é")
        #expect(reader.text("b") == "")
        #expect(reader.text("c") == "")
        #expect(reader.faults.isEmpty)
    }

    @Test(arguments: ["a=%", "a=%2", "a=%zz", "a=%ff", "%ff=1"])
    func brokenEscapesAreRefused(query: String) {
        #expect(faults(query, known: ["a"]).count == 1)
    }

    @Test(arguments: ["limit=1", "limit=1000"])
    func integersInRangeAreTaken(query: String) {
        var reader = QueryReader(query, known: ["limit"])
        let value = reader.integer("limit", in: 1...1000, default: 7)
        #expect("limit=\(value)" == query && reader.faults.isEmpty)
    }

    @Test(arguments: [
        "limit=0", "limit=1001", "limit=-1", "limit=1.0", "limit=", "limit=99999999999999999999", "limit=%20" + "1",
    ])
    func otherIntegersAreRefused(query: String) {
        var reader = QueryReader(query, known: ["limit"])
        _ = reader.integer("limit", in: 1...1000, default: 7)
        #expect(reader.faults.count == 1)
    }

    @Test(arguments: [
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000), ("1769860800000", 1_769_860_800_000_000),
        ("2026-01-31T13:00:00+01:00", 1_769_860_800_000_000), ("2026-01-31T12:00:00.123456Z", 1_769_860_800_123_456),
        ("0", 0),
    ])
    func timesAreRFC3339OrMilliseconds(text: String, microseconds: Int64) {
        #expect(TimeText.parse(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "yesterday", "2026-13-01T00:00:00Z", "99999999999999999999", "9223372036854775807", "-", "1e3",
    ])
    func otherTimesAreRefused(text: String) {
        #expect(TimeText.parse(text) == nil)
    }

    @Test(arguments: ["from=-1", "from=1769860800000000", "from=2200-01-01T00:00:01Z", "from=1900-01-01T00:00:00Z"])
    func timesWhereNoSampleCanLieAreRefused(query: String) {
        var reader = QueryReader(query, known: ["from"])
        #expect(reader.time("from") == nil)
        #expect(reader.faults.count == 1)
    }

    @Test func textThatPostgresCannotHoldIsRefused() {
        var reader = QueryReader("namespace=a%00b", known: ["namespace"])
        #expect(reader.storableText("namespace") == nil)
        #expect(reader.faults.count == 1)
    }
}
