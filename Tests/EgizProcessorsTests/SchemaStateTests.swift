import Testing

@testable import EgizProcessors

@Suite struct SchemaStateTests {
    /// The engine goes back to a copy where a later record of the same epoch is refused.
    @Test func aCopyIsTheSameAndGoesItsOwnWay() {
        let state = SchemaState()
        #expect(state.copy().isEmpty)
        (state.flags, state.generation) = ("/a: it must be a number", 3)
        let copy = state.copy()
        #expect(copy.flags == state.flags && copy.generation == 3)
        (state.flags, state.generation) = ("", 4)
        #expect(copy.flags == "/a: it must be a number" && copy.generation == 3 && state.isEmpty)
        copy.flags = "another"
        #expect(state.isEmpty)
    }
}
