import EgizTwin
import TestSupport
import Testing

struct ThingIndexTests {
    @Test func agreesWithADictionaryThroughSettingAndRemoving() throws {
        var random = SeededGenerator(seed: 3)
        let index = ThingIndex()
        var expected: [Int: Int] = [:]
        let things = try (0..<300).map { try ThingID(validating: "ns:thing-\($0)") }
        for round in 0..<20_000 {
            let n = Int.random(in: things.indices, using: &random)
            // Grows, shrinks, grows again.
            if Int.random(in: 0..<100, using: &random) < (round / 5000 % 2 == 0 ? 70 : 30) {
                index.set(things[n], to: round)
                expected[n] = round
            } else {
                index.remove(things[n])
                expected[n] = nil
            }
            let other = Int.random(in: things.indices, using: &random)
            #expect(index.find(things[other]) == expected[other] ?? -1)
        }
        #expect(index.count == expected.count)
        for (n, thing) in things.enumerated() {
            #expect(Array(thing.text.utf8).withUnsafeBytes { index.find($0) } == expected[n] ?? -1)
        }
    }

    @Test func findsNothingForBytesThatAreNoId() {
        let index = ThingIndex()
        #expect([UInt8]().withUnsafeBytes { index.find($0) } == -1)
        #expect([0xFF].withUnsafeBytes { index.find($0) } == -1)
    }
}
