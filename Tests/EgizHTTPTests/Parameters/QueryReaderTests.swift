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

    /// What is sent is no reason for an answer many times as long.
    @Test func ofManyFaultsTheFirstAreToldAndTheOthersCounted() throws {
        let query = (0..<1000).map { "x\($0)=1" }.joined(separator: "&")
        let reader = QueryReader(query, known: ["limit"])
        let problem = #expect(throws: Problem.self) { try reader.finish() }
        #expect(problem?.faults.map(\.parameter) == (0..<20).map { "x\($0)" })
        #expect(problem?.detail == "20 parameters and 980 more are not usable; see errors.")
        var exact = QueryReader("", known: [])
        for number in 0..<20 { exact.refuse("x\(number)", "no") }
        let full = exact
        let whole = #expect(throws: Problem.self) { try full.finish() }
        #expect(whole?.detail == "20 parameters are not usable; see errors.")
    }

    @Test func anOrderOfARedriveNamesAsManyFaultsAsAnyBody() {
        let members = (0..<1000).map { #""x\#($0)":1"# }.joined(separator: ",")
        let problem = #expect(throws: Problem.self) { try RedriveOrder(parsing: Array("{\(members)}".utf8)) }
        #expect(problem?.code == "invalid-body" && problem?.faults.count == BodyReader.mostFaults)
    }

    /// A text of a topology may have as many faults as it has words.
    @Test func aProblemListsAHundredFaultsAndSaysHowManyThereAre() throws {
        var problem = Problem.unprocessable("invalid-topology", "The topology has faults; see errors.")
        problem.faults = (0..<5000).map { .init(parameter: "line \($0)", detail: "no") }
        let document = try JSONParser().parse(problem.document(instance: "/"))
        #expect(document["errors"]?.array?.count == 100)
        #expect(document["detail"]?.string?.hasSuffix("Of 5000 errors the first 100 are listed.") == true)
        problem.faults = Array(problem.faults.prefix(100))
        let whole = try JSONParser().parse(problem.document(instance: "/"))
        #expect(whole["errors"]?.array?.count == 100 && whole["detail"] == .string(problem.detail))
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
