import EgizCore
import Testing

@Suite struct LineDiffTests {
    private func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    @Test func changesAreShownWithTheLinesAroundThem() {
        let old = text(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"])
        let new = text(["a", "B", "c", "d", "e", "f", "g", "h", "i", "k", "l"])
        #expect(LineDiff.unified(old, new, context: 1) == [" a", "-b", "+B", " c", "@@", " i", "-j", " k", "+l"])
        #expect(LineDiff.unified(old, old).isEmpty)
        #expect(LineDiff.unified("", "x\n") == ["+x"] && LineDiff.unified("x\n", "") == ["-x"])
        #expect(LineDiff.unified("x\nx\n", "x\n") == [" x", "-x"])
    }

    /// Each line of the one compared with each of the other would take more memory than there is.
    @Test func largeTextsThatHaveNothingInCommonAreToldOneAfterTheOther() {
        let old = text((0..<60_000).map { "a\($0)" })
        let new = text(["a0"] + (0..<60_000).map { "b\($0)" } + ["a59999"])
        let lines = LineDiff.unified(old, new)
        #expect(lines.count == 119_998 + 2)
        #expect(lines.first == " a0" && lines[1] == "-a1" && lines.last == " a59999")
    }
}
