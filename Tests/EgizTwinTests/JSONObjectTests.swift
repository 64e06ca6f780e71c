import EgizTwin
import TestSupport
import Testing

struct JSONObjectTests {
    /// Against an array of pairs, through the growth and shrinking of the hash table.
    @Test func behavesLikeAListOfPairs() {
        var random = SeededGenerator(seed: 3)
        var object = JSONObject()
        var pairs: [(String, Int64)] = []
        for step in 0..<5000 {
            let key = "k\(Int.random(in: 0..<60, using: &random))"
            let known = pairs.firstIndex { $0.0 == key }
            if Int.random(in: 0..<3, using: &random) == 0 {
                object[key] = nil
                if let known { pairs.remove(at: known) }
            } else {
                object[key] = .int(Int64(step))
                if let known { pairs[known].1 = Int64(step) } else { pairs.append((key, Int64(step))) }
            }
            #expect(object.map(\.key) == pairs.map(\.0))
            #expect(object.map(\.value) == pairs.map { .int($0.1) })
            if let (key, value) = pairs.randomElement(using: &random) { #expect(object[key] == .int(value)) }
            #expect(object["missing"] == nil)
        }
    }

    @Test func orderDoesNotMatterForEquality() {
        var a = JSONObject()
        var b = JSONObject()
        for index in 0..<40 { a["k\(index)"] = .int(Int64(index)) }
        for index in (0..<40).reversed() { b["k\(index)"] = .int(Int64(index)) }
        #expect(a == b)
        b["k7"] = .int(0)
        #expect(a != b)
    }

    /// A quadratic search would take minutes.
    @Test func manyMembersAreFoundQuickly() throws {
        let text = "{" + (0..<100_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(try JSONParser().parse(Array(text.utf8)).object)
        #expect(object.count == 100_000 && object["key99999"] == .int(99_999))
    }
}
