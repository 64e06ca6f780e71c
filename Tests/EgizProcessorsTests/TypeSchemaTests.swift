import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct TypeSchemaTests {
    private func line() throws -> RuleLine { try RuleLine("type-schema", #"{"to":"flags"}"#, format: .ditto) }

    private func schema(_ type: String, _ policy: String?, number: Bool = true) throws -> RuleRegistry.Schema {
        let text =
            #"{"properties":{"f":{"properties":{"properties":{"properties":{"x":{"type":"number","maximum":100}}}}}}}"#
        return .init(
            type: type, schema: number ? try JSONParser().parse(Array(text.utf8)) : nil, policy: policy)
    }

    private func create(_ line: RuleLine, _ thing: String, _ type: String, x: String) throws {
        try line.event(
            1, 1, "created", "/",
            #"{"thingId":"\#(thing)","definition":"\#(type)","features":{"f":{"properties":{"x":\#(x)}}}}"#,
            thing: thing)
    }

    private func set(_ line: RuleLine, _ revision: Int, _ x: String) throws {
        try line.event(Int64(revision), revision, "modified", "/features/f/properties/x", x)
    }

    private func flags(_ line: RuleLine) -> [String] {
        line.emitted("flags").map { record in
            var paths: [String] = []
            if case .array(let items)? = record["violations"] {
                paths = items.compactMap { $0.object?["path"]?.string }
            }
            return ([record["event"]?.string ?? ""] + paths).joined(separator: " ")
        }
    }

    @Test func anEventThatBreaksTheSchemaOfAParentIsADeadLetterAndLeavesNoTrace() throws {
        let line = try line()
        line.driver.store.setRegistry(
            parents: ["n:filler:1": "n:machine:1"], schemas: [try schema("n:machine:1", "reject")])
        try line.driver.adoptRegistry()
        try create(line, "t:a", "n:filler:1", x: "1")
        try set(line, 2, "101")
        try set(line, 3, #""hot""#)
        try set(line, 4, "2")
        let letters = line.driver.store.allDeadLetters
        #expect(letters.map(\.code) == ["schema", "queued", "queued"])
        #expect(letters.first?.message.contains("/features/f/properties/x: it must be at most 100") == true)
        let twin = try #require(line.driver.store.allTwins.values.first)
        #expect(twin.snapshot.revision == 1, "the others wait behind it, unless onError says otherwise")
        let series = try #require(line.driver.store.allSeries.first { $0.path == "/features/f/properties/x" })
        #expect(line.driver.store.writtenSamples(series).count == 1)
        #expect(flags(line).isEmpty)
    }

    @Test func aFlaggedEventIsKeptAndToldOnceUntilItEnds() throws {
        let line = try line()
        line.driver.store.setRegistry(schemas: [try schema("n:filler:1", "flag")])
        try line.driver.adoptRegistry()
        try create(line, "t:a", "n:filler:1", x: "1")
        try set(line, 2, "101")
        try set(line, 3, "102")
        try set(line, 4, "5")
        #expect(flags(line) == ["flagged /features/f/properties/x", "cleared"])
        #expect(line.driver.store.allDeadLetters.isEmpty && line.count("ruleErrors") == 2)
        try create(line, "t:b", "n:other:1", x: "500")
        #expect(flags(line).count == 2, "other types are as they like")
    }

    @Test(arguments: [(nil, 0), ("accept", 0), ("flag", 1)] as [(String?, Int)])
    func thePolicyOfTheNearestTypeCounts(policy: String?, expected: Int) throws {
        let line = try line()
        line.driver.store.setRegistry(
            parents: ["n:filler:1": "n:machine:1"],
            schemas: [
                try schema("n:machine:1", policy == nil ? nil : "reject"),
                try schema("n:filler:1", policy, number: false),
            ])
        try line.driver.adoptRegistry()
        try create(line, "t:a", "n:filler:1", x: "500")
        #expect(flags(line).count == expected && line.driver.store.allDeadLetters.isEmpty)
    }

    @Test func aSchemaThatIsNewFlagsWhatIsThere() throws {
        let line = try line()
        try create(line, "t:a", "n:filler:1", x: "500")
        line.driver.store.setRegistry(schemas: [try schema("n:filler:1", "reject")])
        try line.driver.adoptRegistry()
        #expect(flags(line) == ["flagged /features/f/properties/x"] && line.driver.store.allDeadLetters.isEmpty)
        line.driver.store.setRegistry(schemas: [])
        try line.driver.adoptRegistry()
        #expect(flags(line).last == "cleared")
    }
}
