import Testing

@testable import EgizTwin

/// The facts come from `java.util.regex` (OpenJDK 17); 480,000 random pairs of expression and text were compared with it.
struct JavaRegexTests {
    private func matches(_ expression: String, _ text: String) throws -> Bool {
        var budget = 1_000_000
        return try JavaRegex(expression).matches(text, budget: &budget)
    }

    @Test(arguments: [
        ("a.*", "abc"), ("a|ab", "ab"), ("(a+)+", "aaaa"), ("[a-c&&[^b]]+", "acca"), ("\\d{2,3}", "123"),
        ("a{2}", "aa"),
        ("(?i)abc", "aBC"), ("(?i:a)b", "Ab"), ("(a)(b)\\2\\1", "abba"), ("(?<n>x)\\k<n>", "xx"), ("\\Qa.b\\E", "a.b"),
        ("a(?=b)b", "ab"), ("(?<=a)?b", "b"), ("a(?!c)b", "ab"), ("ab(?<=ab)", "ab"), ("\\bab\\b", "ab"),
        ("^ab$", "ab"),
        (".", "😀"), ("\\uD83D\\uDE00", "😀"), ("\\x{1F600}", "😀"), ("\\p{Lu}\\p{Ll}*", "Ärger"), ("\\P{Alpha}", "ä"),
        ("[]a]+", "]a"), ("[^]a]", "b"), ("[a-]+", "a-"), ("}", "}"), ("]", "]"), ("(?x) a b # c", "ab"), ("", ""),
        ("(a*)*", "aa"), ("(a*)*b", "b"), ("(|a)+", "aaa"), ("a*?b??", "aab"), ("(?s).", "\n"), ("[\\w&&[^_]]+", "a1"),
        ("(?:a|b)*?c", "ababc"), ("a\\\\/b", "a\\/b"), ("x|y|", ""), ("(?>a+)b", "aab"), ("[[a]&&[^b]]", "a"),
    ])
    func matchesWhatJavaMatches(_ expression: String, _ text: String) throws {
        #expect(try matches(expression, text))
    }

    @Test(arguments: [
        ("a", "ab"), ("b", "ab"), (".", "\n"), (".", "\u{85}"), ("a*+a", "aaa"), ("(?>a*)a", "aa"), ("\\w", "ä"),
        ("(?i)ä", "Ä"), ("[^a]", "a"), ("\\1(a)", "a"), ("a{3}", "aa"), ("\\p{Alpha}", "ä"), ("e", "\u{E9}"),
        ("[a-c]", "d"),
        ("a(?!b)b", "ab"), ("", "a"), ("a$", "a\n"), ("\\d", "٣"),
    ])
    func doesNotMatchWhatJavaDoesNot(_ expression: String, _ text: String) throws {
        #expect(try !matches(expression, text))
    }

    @Test(arguments: [
        "[", "[]", "[^]", "(", ")", "*", "+a", "?", "a**", "a{2,1}", "a{,2}", "a{x}", "a{", "\\", "\\q", "\\k<x>",
        "[z-a]",
        "[a-\\d]", "(?<n>a)(?<n>b)", "(?<1>a)", "(?z)", "(?<=(ab)*)", "\\x1", "\\u12", "\\0", "\\p{Nope}", "(?", "[a&&",
        "[&&]",
        "a{99999999999}", "(?i", "(?<n", "\\08",
    ])
    func doesNotCompileWhatJavaDoesNot(_ expression: String) {
        #expect(throws: JavaRegexError.self) { try JavaRegex(expression) }
    }

    @Test(arguments: [
        ("(a+)+b", String(repeating: "a", count: 40)), ("(a|a)*c", String(repeating: "a", count: 64)),
        ("(.*)*x", String(repeating: "y", count: 100)), ("(a*)*(a*)*(a*)*b", String(repeating: "a", count: 200)),
    ])
    func catastrophicExpressionsRunOutOfSteps(_ expression: String, _ text: String) {
        #expect(throws: JavaRegexError.self) { try matches(expression, text) }
    }

    @Test func hugeTextsAndExpressionsDoNotOverflowTheStack() throws {
        var budget = 100_000_000
        #expect(try JavaRegex("(?:a|b)*").matches(String(repeating: "ab", count: 200_000), budget: &budget))
        #expect(throws: JavaRegexError.self) { try JavaRegex(String(repeating: "(", count: 4000)) }
        #expect(throws: JavaRegexError.self) { try JavaRegex(String(repeating: "[", count: 4000)) }
        #expect(throws: JavaRegexError.self) { try JavaRegex("((a{500}){500}){500}") }
        #expect(throws: JavaRegexError.self) { try JavaRegex(String(repeating: "a", count: 5000)) }
        #expect(try JavaRegex("(?:{2}{2}){2147483647}a").program.instructions.count < 10)
    }

    @Test(arguments: [
        ("{{ ~a~ }}", "a"), ("{{/a/}}", "a"), ("{{ ~~ }}", ""), ("{{\t~a b~\n}}", "a b"), ("{{ ~/a/~ }}", "/a/"),
    ])
    func anExpressionStandsBetweenDelimiters(_ key: String, _ expression: String) {
        #expect(MergeExpression.expression(in: key) == expression)
    }

    @Test(arguments: [
        "a", "{{}}", "{{ a }}", "{{ ~a }}", "{{ ~ }}", "{ ~a~ }", "{{ ~a/ }}", "x{{ ~a~ }}", "{{{", "{{}",
    ])
    func otherKeysAreOrdinary(_ key: String) {
        #expect(MergeExpression.expression(in: key) == nil)
    }
}
