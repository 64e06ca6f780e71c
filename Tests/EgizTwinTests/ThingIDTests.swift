import EgizTwin
import Testing

struct ThingIDTests {
    @Test(arguments: [
        "a:b", ":b", "org.acme.filling:filler-07", "a-b.c_1:x", "a:b:c", "a: ", "a:日本", "a:😀", "a:~%+", "a:Ω",
        "a:" + String(repeating: "x", count: 254), "a:" + String(repeating: "😀", count: 127),
    ])
    func acceptsDittosIds(_ text: String) throws {
        let thing = try ThingID(validating: text)
        #expect(thing.text == text)
        #expect(thing.namespace + ":" + thing.name == text)
    }

    @Test(arguments: [
        "", "a", "a:", ":", "1a:b", "a.:b", ".a:b", "a..b:c", "a-:b", "a.-b:c", "_a:b", "ä:b", "a b:c", "a:b/c",
        "a:\u{7F}",
        "a:ä", "a:\u{80}", "a:ÿ", "a:°", "a:\n", "a:\u{0}", "a:" + String(repeating: "x", count: 255),
        "a:" + String(repeating: "😀", count: 128), "a.1:b",
    ])
    func refusesWhatDittoRefuses(_ text: String) {
        #expect(throws: ThingIDError.self) { try ThingID(validating: text) }
    }

    @Test func canonicallyEquivalentIdsAreDifferentThings() throws {
        let ohm = try ThingID(validating: "a:\u{2126}")
        let omega = try ThingID(validating: "a:\u{3A9}")
        #expect(ohm != omega)
        #expect(Set([ohm, omega, try ThingID(validating: "a:\u{2126}")]).count == 2)
        #expect((omega < ohm) != (ohm < omega))
    }
}
