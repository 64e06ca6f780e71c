import EgizCore
import Testing

@testable import EgizHTTP

@Suite(.timeLimit(.minutes(1))) struct LiveHeldTests {
    /// A device that drops its members one by one, for a client that does not read: each removal costs what it removes, not a walk through
    /// all that waits.
    @Test func aThingThatLosesItsMembersOneByOneDoesNotHoldUpTheLoop() throws {
        let count = 20_000
        var held = LiveHeld()
        let values = LiveFixture.twin(1, (0..<count).map { "/attributes/a\($0)=\($0)" })
        held.add(values, parts: values.parts)
        let full = held.bytes
        let removals = LiveFixture.twin(2, (0..<count).map { "/attributes/a\($0)=" })
        held.add(removals, parts: removals.parts)
        #expect(held.coalesced == count + 1 && held.bytes < full + 64 * count)
        // What is below a path is gone with it, and what only begins like it is not.
        let more = LiveFixture.twin(3, ["/attributes/a1/x/y=1", "/attributes/a1-b=1", "/attributes/a1/z=1"])
        held.add(more, parts: more.parts)
        let last = LiveFixture.twin(4, ["/attributes/a1="])
        held.add(last, parts: last.parts)
        let before = held.coalesced
        let all = LiveFixture.twin(5, ["/attributes="])
        held.add(all, parts: all.parts)
        // The step before, the members, and a1-b.
        #expect(held.coalesced == before + 1 + count + 1)
        let told = try LiveFixture.told([.changes(held.take(), resume: nil)])
        #expect(told == ["twin t:a 5 changed /attributes="] && held.bytes == 0)
    }
}
