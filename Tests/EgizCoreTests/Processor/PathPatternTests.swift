import EgizCore
import EgizTwin
import TestSupport
import Testing

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("/a/b", "/a/b", true), ("/a/b", "/a", false), ("/a/b", "/a/b/c", false), ("/a/*", "/a/b", true),
        ("/a/*", "/a", false), ("/a/*", "/a/b/c", false), ("/**", "/a/b/c", true), ("/a/**", "/a", true),
        ("/a/**/z", "/a/z", true), ("/a/**/z", "/a/b/c/z", true), ("/a/**/z", "/a/b/c", false),
        ("/features/*/properties/**", "/features/f/properties/x/y", true),
        ("/features/*/properties/**", "/features/f/desiredProperties/x", false), ("/a/t*", "/a/temp", true),
        ("/a/*p", "/a/temp", true), ("/a/t*p", "/a/tp", true), ("/a/a*a", "/a/a", false), ("/a/t*m*p", "/a/temp", true),
        ("/a/t*x*p", "/a/temp", false), ("/a~1b/*", "/a~1b/c", true), ("/a~1b", "/a/b", false),
        ("/**/b/**/d", "/b/b/c/d", true),
        // One letter in two canonically equivalent spellings is two paths.
        ("/\u{E9}", "/e\u{301}", false),
    ])
    func patternsMatchBySegments(_ pattern: String, _ path: String, _ expected: Bool) throws {
        let pattern = try #require(PathPattern(pattern))
        #expect(pattern.matches(try JSONPointer(parsing: path).segments) == expected)
    }

    @Test(arguments: ["", "a/b", "/", "/a//b", "/a/"])
    func whatIsNoPatternIsRefused(_ text: String) { #expect(PathPattern(text) == nil) }

    @Test(arguments: 0..<20)
    func matchingAgreesWithTheObviousRecursion(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let words = ["a", "b", "ab", "aab", "ba"]
        let globs = ["*", "**", "a", "b", "a*", "*b", "a*b", "*a*"]
        for _ in 0..<400 {
            let parts = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                globs.randomElement(using: &random) ?? "*"
            }
            let path = (0..<Int.random(in: 0...6, using: &random)).map { _ in words.randomElement(using: &random) ?? "a"
            }
            let pattern = try #require(PathPattern("/" + parts.joined(separator: "/")))
            #expect(pattern.matches(path) == naive(parts[...], path[...]), "\(pattern.text) \(path)")
        }
    }

    private func naive(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == "**" {
            return naive(pattern.dropFirst(), path) || (!path.isEmpty && naive(pattern, path.dropFirst()))
        }
        guard let segment = path.first else { return false }
        return glob(Array(first)[...], Array(segment)[...]) && naive(pattern.dropFirst(), path.dropFirst())
    }

    private func glob(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" { return glob(pattern.dropFirst(), text) || (!text.isEmpty && glob(pattern, text.dropFirst())) }
        return text.first == first && glob(pattern.dropFirst(), text.dropFirst())
    }
}
