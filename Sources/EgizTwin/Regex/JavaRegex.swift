/// A Java regular expression, as far as merge keys need it: everything of `java.util.regex.Pattern` but named characters,
/// grapheme clusters, scripts and blocks, which count as not compiling. It matches whole texts, code point by code point,
/// without recursion over the text, and within a budget of steps.
struct JavaRegex {
    /// An expression may have this many code points.
    static let maxLength = 4096
    /// Groups and classes may nest this deep; the parser is recursive.
    static let maxNesting = 100
    /// Repetitions of groups are unrolled; a program may have this many instructions.
    static let maxInstructions = 50_000

    let program: RegexProgram

    init(_ expression: String) throws(JavaRegexError) {
        var parser = try JavaRegexParser(expression)
        let node = try parser.parse()
        program = try RegexProgram(node, groups: parser.groupCount)
    }

    /// Whether the expression matches the whole text. - Throws: if the budget, which counts down, is used up.
    func matches(_ text: String, budget: inout Int) throws(JavaRegexError) -> Bool {
        let scalars = text.unicodeScalars.map(\.value)
        var matcher = RegexMatcher(program: program, text: scalars, budget: budget - scalars.count)
        defer { budget = matcher.budget }
        return try matcher.matchesWhole()
    }
}
