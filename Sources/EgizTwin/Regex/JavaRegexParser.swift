/// Reads the syntax of `java.util.regex.Pattern`, with its peculiarities: which characters dangle, what a bracket means at
/// the start of a class, how far flags reach.
struct JavaRegexParser {
    struct Flags {
        var ignoresCase = false
        var unicodeCase = false
        var multiline = false
        var dotMatchesAll = false
        var unixLines = false
        var comments = false
        var unicodeClasses = false
    }

    /// A code point; one between `\Q` and `\E` is never special.
    struct Token {
        var value: UInt32
        var isQuoted: Bool
    }

    let tokens: [Token]
    var at = 0
    var flags = Flags()
    var nesting = 0
    /// Groups opened so far, not counting the whole match.
    var groupCount = 0
    var groupNames: [String: Int] = [:]

    init(_ expression: String) throws(JavaRegexError) {
        let scalars = expression.unicodeScalars.map(\.value)
        guard scalars.count <= JavaRegex.maxLength else {
            throw JavaRegexError(message: "longer than \(JavaRegex.maxLength) characters")
        }
        var tokens: [Token] = []
        var index = 0
        var isQuoted = false
        while index < scalars.count {
            let next: UInt32? = index + 1 < scalars.count ? scalars[index + 1] : nil
            if scalars[index] == 92, isQuoted ? next == 69 : next == 81 {
                isQuoted.toggle()
                index += 2
            } else if !isQuoted, scalars[index] == 92, let next {
                tokens.append(Token(value: 92, isQuoted: false))
                tokens.append(Token(value: next, isQuoted: false))
                index += 2
            } else {
                tokens.append(Token(value: scalars[index], isQuoted: isQuoted))
                index += 1
            }
        }
        self.tokens = tokens
    }

    mutating func parse() throws(JavaRegexError) -> RegexNode {
        let node = try alternation()
        guard at == tokens.count else { throw JavaRegexError(message: "unmatched closing )") }
        return node
    }

    // MARK: Reading tokens

    /// The next special character, or nil where a quoted one or the end is next.
    mutating func peek() -> Unicode.Scalar? {
        skipComments()
        return special(at)
    }

    func special(_ index: Int) -> Unicode.Scalar? {
        guard index < tokens.count, !tokens[index].isQuoted else { return nil }
        return Unicode.Scalar(tokens[index].value)
    }

    mutating func skipComments() {
        guard flags.comments else { return }
        while let next = special(at) {
            if (9...13).contains(next.value) || next == " " {
                at += 1
            } else if next == "#" {
                while let inner = special(at), inner != "\n", inner != "\r" { at += 1 }
            } else {
                return
            }
        }
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        at += 1
        return true
    }

    mutating func expect(_ scalar: Unicode.Scalar) throws(JavaRegexError) {
        guard take(scalar) else { throw JavaRegexError(message: "\(scalar) is missing at character \(at + 1)") }
    }

    mutating func nested<T>(
        _ body: (inout JavaRegexParser) throws(JavaRegexError) -> T
    ) throws(JavaRegexError) -> T {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= JavaRegex.maxNesting else { throw JavaRegexError(message: "nested too deeply") }
        return try body(&self)
    }

    // MARK: The grammar

    mutating func alternation() throws(JavaRegexError) -> RegexNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func sequence() throws(JavaRegexError) -> RegexNode {
        var nodes: [RegexNode] = []
        while true {
            skipComments()
            guard at < tokens.count else { break }
            let next = special(at)
            if next == "|" || next == ")" { break }
            if let node = try atom() { nodes.append(try quantified(node)) }
        }
        switch nodes.count {
        case 0: return .empty
        case 1: return nodes[0]
        default: return .sequence(nodes)
        }
    }

    /// Nil for what stands for nothing, such as `(?i)`.
    private mutating func atom() throws(JavaRegexError) -> RegexNode? {
        switch special(at) {
        case "(": return try group()
        case "[":
            at += 1
            return .set(try nested { parser throws(JavaRegexError) in try parser.characterClass() })
        case "\\": return try escape()
        case "*", "+", "?": throw JavaRegexError(message: "dangling quantifier at character \(at + 1)")
        // Java takes a repetition of nothing where an atom is due.
        case "{": return .empty
        case "^":
            at += 1
            return .assertion(flags.multiline ? .lineStart(unixLines: flags.unixLines) : .inputStart)
        case "$":
            at += 1
            return .assertion(
                flags.multiline
                    ? .lineEnd(unixLines: flags.unixLines) : .beforeFinalTerminator(unixLines: flags.unixLines))
        case ".":
            at += 1
            return .set(.anything(exceptTerminators: !flags.dotMatchesAll, unixLines: flags.unixLines))
        default:
            at += 1
            return .set(literal(tokens[at - 1].value))
        }
    }

    func literal(_ value: UInt32) -> RegexSet { range(value...value) }

    func range(_ range: ClosedRange<UInt32>) -> RegexSet {
        flags.ignoresCase ? .folded([range], unicode: flags.unicodeCase || flags.unicodeClasses) : .ranges([range])
    }

    private mutating func quantified(_ node: RegexNode) throws(JavaRegexError) -> RegexNode {
        let min: Int
        var max: Int?
        switch peek() {
        case "*":
            at += 1
            min = 0
        case "+":
            at += 1
            min = 1
        case "?":
            at += 1
            (min, max) = (0, 1)
        case "{":
            at += 1
            guard let least = try number() else { throw JavaRegexError(message: "illegal repetition") }
            min = least
            max = least
            if take(",") {
                max = try number()
                if let max, max < min { throw JavaRegexError(message: "illegal repetition range") }
            }
            try expect("}")
        default: return node
        }
        var mode = RegexNode.Mode.greedy
        if take("?") { mode = .lazy } else if take("+") { mode = .possessive }
        // Java takes the length of `a*` for known, so that a look-behind may hold it, and that of `(a)*` for unknown.
        if max == nil, case .set = node { max = .max }
        return .repetition(node, min: min, max: max, mode)
    }

    private mutating func number() throws(JavaRegexError) -> Int? {
        var value: Int?
        while let digit = peek(), ("0"..."9").contains(digit) {
            at += 1
            let next = (value ?? 0) * 10 + Int(digit.value - 48)
            guard next <= Int(Int32.max) else { throw JavaRegexError(message: "illegal repetition range") }
            value = next
        }
        return value
    }
}
