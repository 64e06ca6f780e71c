extension JavaRegexParser {
    /// `(` is next. Nil for a group that only sets flags.
    mutating func group() throws(JavaRegexError) -> RegexNode? {
        at += 1
        let outer = flags
        guard take("?") else {
            groupCount += 1
            let index = groupCount
            return .capture(try body(restoring: outer), index)
        }
        guard let kind = special(at) else { throw JavaRegexError(message: "unknown group type") }
        at += 1
        switch kind {
        case ":": return try body(restoring: outer)
        case "=": return .look(try body(restoring: outer), ahead: true, negated: false)
        case "!": return .look(try body(restoring: outer), ahead: true, negated: true)
        case ">": return .atomic(try body(restoring: outer))
        case "<":
            if special(at) == "=" || special(at) == "!" {
                let negated = special(at) == "!"
                at += 1
                let inner = try body(restoring: outer)
                guard inner.length.max != nil else {
                    throw JavaRegexError(message: "a look-behind has no obvious maximum length")
                }
                return .look(inner, ahead: false, negated: negated)
            }
            let name = try groupName()
            guard groupNames[name] == nil else { throw JavaRegexError(message: "group \(name) is defined already") }
            groupCount += 1
            let index = groupCount
            groupNames[name] = index
            return .capture(try body(restoring: outer), index)
        default:
            at -= 1
            return try flagGroup(outer)
        }
    }

    private mutating func body(restoring outer: Flags) throws(JavaRegexError) -> RegexNode {
        let node = try nested { parser throws(JavaRegexError) in try parser.alternation() }
        try expect(")")
        flags = outer
        return node
    }

    /// A letter, then letters and digits, up to `>`.
    mutating func groupName() throws(JavaRegexError) -> String {
        var name = ""
        while let scalar = special(at), scalar != ">" {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
            guard isLetter || (!name.isEmpty && ("0"..."9").contains(scalar)) else {
                throw JavaRegexError(message: "a group's name is made of ASCII letters and digits")
            }
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard !name.isEmpty, special(at) == ">" else { throw JavaRegexError(message: "a group's name does not end") }
        at += 1
        return name
    }

    /// `(?i)`, `(?i-s)` or `(?i:…)`; flags hold to the end of the enclosing group, or within their own.
    private mutating func flagGroup(_ outer: Flags) throws(JavaRegexError) -> RegexNode? {
        var turnsOn = true
        while let scalar = special(at) {
            at += 1
            switch scalar {
            case "i": flags.ignoresCase = turnsOn
            case "u": flags.unicodeCase = turnsOn
            case "m": flags.multiline = turnsOn
            case "s": flags.dotMatchesAll = turnsOn
            case "d": flags.unixLines = turnsOn
            case "x": flags.comments = turnsOn
            case "U":
                flags.unicodeClasses = turnsOn
                flags.unicodeCase = turnsOn
            case "c": break
            case "-" where turnsOn: turnsOn = false
            case ")": return nil
            case ":": return try body(restoring: outer)
            default: throw JavaRegexError(message: "unknown inline modifier \(scalar)")
            }
        }
        throw JavaRegexError(message: "an inline modifier does not end")
    }
}
