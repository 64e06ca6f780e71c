extension JavaRegexParser {
    /// What an escape stands for.
    enum Escaped {
        case character(UInt32)
        case set(RegexSet)
    }

    /// An escape outside of classes; the backslash is next.
    mutating func escape() throws(JavaRegexError) -> RegexNode {
        switch special(at + 1) {
        case "b":
            at += 2
            if special(at) == "{" { throw JavaRegexError(message: "grapheme cluster boundaries are not supported") }
            return .assertion(.wordBoundary(negated: false, unicode: flags.unicodeClasses))
        case "B":
            at += 2
            return .assertion(.wordBoundary(negated: true, unicode: flags.unicodeClasses))
        case "A", "G":
            at += 2
            return .assertion(.inputStart)
        case "z":
            at += 2
            return .assertion(.inputEnd)
        case "Z":
            at += 2
            return .assertion(.beforeFinalTerminator(unixLines: flags.unixLines))
        case "R":
            at += 2
            return .atomic(
                .alternation([.sequence([.set(.single(13)), .set(.single(10))]), .set(RegexSet.verticalSpace)]))
        case "k":
            at += 2
            guard take("<") else { throw JavaRegexError(message: "\\k is followed by <name>") }
            let name = try groupName()
            guard let group = groupNames[name] else { throw JavaRegexError(message: "no group \(name) so far") }
            return .backreference(group, ignoresCase: flags.ignoresCase)
        case let digit? where ("1"..."9").contains(digit):
            at += 2
            var group = Int(digit.value - 48)
            // More digits belong to it as long as there is such a group.
            while let next = special(at), ("0"..."9").contains(next), group * 10 + Int(next.value - 48) <= groupCount {
                group = group * 10 + Int(next.value - 48)
                at += 1
            }
            return .backreference(group, ignoresCase: flags.ignoresCase)
        default:
            switch try escaped() {
            case .character(let value): return .set(literal(value))
            case .set(let set): return .set(set)
            }
        }
    }

    /// An escape that stands for a character or a set, in and outside of classes; the backslash is next.
    mutating func escaped() throws(JavaRegexError) -> Escaped {
        at += 1
        guard at < tokens.count else { throw JavaRegexError(message: "a backslash at the end") }
        let value = tokens[at].value
        at += 1
        guard let scalar = Unicode.Scalar(value), scalar.isASCII else { return .character(value) }
        let unicode = flags.unicodeClasses
        switch scalar {
        case "t": return .character(9)
        case "n": return .character(10)
        case "r": return .character(13)
        case "f": return .character(12)
        case "a": return .character(7)
        case "e": return .character(27)
        case "0": return .character(try octal())
        case "x": return .character(try hexadecimal())
        case "u": return .character(try unicodeEscape())
        case "c":
            guard at < tokens.count else { throw JavaRegexError(message: "illegal control escape") }
            at += 1
            return .character(tokens[at - 1].value ^ 64)
        case "d": return .set(unicode ? RegexSet.unicodeDigit : RegexSet.digit)
        case "D": return .set(.not(unicode ? RegexSet.unicodeDigit : RegexSet.digit))
        case "s": return .set(unicode ? RegexSet.unicodeSpace : RegexSet.space)
        case "S": return .set(.not(unicode ? RegexSet.unicodeSpace : RegexSet.space))
        case "w": return .set(unicode ? RegexSet.unicodeWord : RegexSet.word)
        case "W": return .set(.not(unicode ? RegexSet.unicodeWord : RegexSet.word))
        case "h": return .set(RegexSet.horizontalSpace)
        case "H": return .set(.not(RegexSet.horizontalSpace))
        case "v": return .set(RegexSet.verticalSpace)
        case "V": return .set(.not(RegexSet.verticalSpace))
        case "p": return .set(try property())
        case "P": return .set(.not(try property()))
        case "a"..."z", "A"..."Z", "1"..."9":
            throw JavaRegexError(message: "illegal or unsupported escape sequence \\\(scalar)")
        default: return .character(value)
        }
    }

    private mutating func property() throws(JavaRegexError) -> RegexSet {
        var name = ""
        if special(at) == "{" {
            at += 1
            while let scalar = special(at), scalar != "}" {
                name.unicodeScalars.append(scalar)
                at += 1
            }
            guard special(at) == "}" else { throw JavaRegexError(message: "a property's name does not end") }
            at += 1
        } else if let scalar = special(at) {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard let set = RegexSet.named(name, ignoresCase: flags.ignoresCase, unicode: flags.unicodeClasses) else {
            throw JavaRegexError(message: "unknown character property \(name)")
        }
        return set
    }

    private func digit(_ index: Int, _ radix: UInt32) -> UInt32? {
        guard let scalar = special(index), let digit = Character(scalar).hexDigitValue, digit < radix, scalar.isASCII
        else { return nil }
        return UInt32(digit)
    }

    /// One to three octal digits, at most 0377.
    private mutating func octal() throws(JavaRegexError) -> UInt32 {
        guard let first = digit(at, 8) else { throw JavaRegexError(message: "illegal octal escape") }
        at += 1
        guard let second = digit(at, 8) else { return first }
        at += 1
        guard first <= 3, let third = digit(at, 8) else { return first * 8 + second }
        at += 1
        return first * 64 + second * 8 + third
    }

    /// Two digits, or any number of them in braces.
    private mutating func hexadecimal() throws(JavaRegexError) -> UInt32 {
        var value: UInt32 = 0
        if special(at) == "{" {
            at += 1
            let start = at
            while let digit = digit(at, 16) {
                value = value * 16 + digit
                guard value <= 0x10FFFF else { throw JavaRegexError(message: "hexadecimal code point is too big") }
                at += 1
            }
            guard at > start, special(at) == "}" else { throw JavaRegexError(message: "illegal hexadecimal escape") }
            at += 1
            return value
        }
        guard let high = digit(at, 16), let low = digit(at + 1, 16) else {
            throw JavaRegexError(message: "illegal hexadecimal escape")
        }
        at += 2
        return high * 16 + low
    }

    /// Four digits; a surrogate pair is one character.
    private mutating func unicodeEscape() throws(JavaRegexError) -> UInt32 {
        let first = try fourDigits()
        guard (0xD800...0xDBFF).contains(first), special(at) == "\\", special(at + 1) == "u" else { return first }
        let back = at
        at += 2
        if let second = try? fourDigits(), (0xDC00...0xDFFF).contains(second) {
            return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        at = back
        return first
    }

    private mutating func fourDigits() throws(JavaRegexError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = digit(at, 16) else { throw JavaRegexError(message: "illegal Unicode escape") }
            value = value * 16 + digit
            at += 1
        }
        return value
    }
}
