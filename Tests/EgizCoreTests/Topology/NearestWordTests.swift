import Testing

@testable import EgizCore

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3),
        ("ca", "abc", 3), ("Format", "format", 0), ("histroy", "history", 1), ("abcd", "badc", 2),
    ])
    func distancesAreThoseOfTheTextbook(_ a: String, _ b: String, _ distance: Int) {
        #expect(NearestWord.distance(Array(a.utf8), Array(b.utf8)) == distance)
        #expect(NearestWord.distance(Array(b.utf8), Array(a.utf8)) == distance)
    }

    @Test func onlyAThirdOfTheWordMayDiffer() {
        #expect(NearestWord.find("histry", among: ["kafka", "history"]) == "history")
        #expect(NearestWord.find("hixxxxy", among: ["history"]) == nil)
        #expect(NearestWord.find("alert-rule", among: ["twin-projector", "history-writer"]) == nil)
        #expect(NearestWord.find("abcdef", among: ["abcdxy"]) == "abcdxy")
        #expect(NearestWord.find("abcdef", among: ["abcxyz"]) == nil)
        #expect(NearestWord.find("abc", among: ["axy"]) == nil)
        #expect(NearestWord.find("ab", among: ["ac"]) == "ac")
        #expect(NearestWord.find("a", among: ["b"]) == nil)
        #expect(NearestWord.find("", among: ["b"]) == nil)
    }

    @Test func theNearestWinsAndTiesGoToTheFirst() {
        #expect(NearestWord.find("topics", among: ["topic", "topcis", "topics2"]) == "topic")
        #expect(NearestWord.find("commits", among: ["comments", "commit"]) == "commit")
    }
}
