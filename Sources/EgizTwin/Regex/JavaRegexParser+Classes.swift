extension JavaRegexParser {
    /// A class after its `[`, with its `]`.
    mutating func characterClass() throws(JavaRegexError) -> RegexSet {
        let isNegated = take("^")
        guard let set = try classBody() else { throw JavaRegexError(message: "bad class syntax") }
        guard take("]") else { throw JavaRegexError(message: "unclosed character class") }
        return isNegated ? .not(set) : set
    }

    /// Members up to the closing bracket, which is left; nil if there are none. `&&` intersects what stands before it with
    /// all that follows.
    private mutating func classBody() throws(JavaRegexError) -> RegexSet? {
        var members: [RegexSet] = []
        func union() -> RegexSet? { members.count <= 1 ? members.first : .union(members) }
        while true {
            skipComments()
            guard at < tokens.count else { throw JavaRegexError(message: "unclosed character class") }
            switch special(at) {
            // At the very start a closing bracket is a member.
            case "]" where !members.isEmpty: return union()
            case "[":
                at += 1
                members.append(try nested { parser throws(JavaRegexError) in try parser.characterClass() })
            case "&" where special(at + 1) == "&":
                at += 2
                // With nothing on its right an intersection changes nothing; a third ampersand is a member.
                if special(at) == "]" || special(at) == "&" {
                    guard !members.isEmpty else { throw JavaRegexError(message: "bad class syntax") }
                    continue
                }
                guard let right = try nested({ parser throws(JavaRegexError) in try parser.classBody() }) else {
                    throw JavaRegexError(message: "bad class syntax")
                }
                return union().map { .intersection($0, right) } ?? right
            default: members.append(try classMember())
            }
        }
    }

    /// A character, a range or an escape.
    private mutating func classMember() throws(JavaRegexError) -> RegexSet {
        let low: UInt32
        if special(at) == "\\" {
            switch try escaped() {
            case .set(let set): return set
            case .character(let value): low = value
            }
        } else {
            low = tokens[at].value
            at += 1
        }
        guard peek() == "-", let next = at + 1 < tokens.count ? tokens[at + 1] : nil,
            next.isQuoted || (next.value != 93 && next.value != 91)
        else { return literal(low) }
        at += 1
        skipComments()
        let high: UInt32
        if special(at) == "\\" {
            guard case .character(let value) = try escaped() else {
                throw JavaRegexError(message: "illegal character range")
            }
            high = value
        } else {
            guard at < tokens.count else { throw JavaRegexError(message: "unclosed character class") }
            high = tokens[at].value
            at += 1
        }
        guard low <= high else { throw JavaRegexError(message: "illegal character range") }
        return range(low...high)
    }
}
