extension RegexSet {
    static let digit = RegexSet.ranges([48...57])
    static let space = RegexSet.ranges([9...13, 32...32])
    static let word = RegexSet.ranges([48...57, 65...90, 95...95, 97...122])
    static let horizontalSpace = RegexSet.ranges([
        9...9, 32...32, 0xA0...0xA0, 0x1680...0x1680, 0x180E...0x180E, 0x2000...0x200A, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000,
    ])
    static let verticalSpace = RegexSet.ranges([10...13, 0x85...0x85, 0x2028...0x2029])
    static let unicodeDigit = RegexSet.predicate { $0.properties.generalCategory == .decimalNumber }
    static let unicodeSpace = RegexSet.predicate { $0.properties.isWhitespace }
    static let unicodeWord = RegexSet.predicate { scalar in
        if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return false
        }
    }

    static func anything(exceptTerminators: Bool, unixLines: Bool) -> RegexSet {
        guard exceptTerminators else { return .ranges([0...0x10FFFF]) }
        return .not(.ranges(unixLines ? [10...10] : [10...10, 13...13, 0x85...0x85, 0x2028...0x2029]))
    }

    /// The set that `\p{name}` stands for; nil if it is unknown here.
    static func named(_ name: String, ignoresCase: Bool, unicode: Bool) -> RegexSet? {
        if let equals = name.utf8.firstIndex(of: UInt8(ascii: "=")) {
            let key = String(name[..<equals]).lowercased()
            guard key == "gc" || key == "general_category" else { return nil }
            return category(String(name[name.utf8.index(after: equals)...]), ignoresCase: ignoresCase)
        }
        if name.utf8.starts(with: "Is".utf8) {
            let rest = String(name.dropFirst(2))
            return binary(rest.lowercased(), ignoresCase: ignoresCase) ?? category(rest, ignoresCase: ignoresCase)
        }
        if let posix = posix(name, ignoresCase: ignoresCase, unicode: unicode) { return posix }
        if name.utf8.starts(with: "java".utf8) { return java(String(name.dropFirst(4)), ignoresCase: ignoresCase) }
        return category(name, ignoresCase: ignoresCase)
    }

    private static func posix(_ name: String, ignoresCase: Bool, unicode: Bool) -> RegexSet? {
        if unicode, let set = binary(name.lowercased(), ignoresCase: ignoresCase) { return set }
        let letters: [ClosedRange<UInt32>] = [65...90, 97...122]
        switch name {
        case "Lower": return .ranges(ignoresCase ? letters : [97...122])
        case "Upper": return .ranges(ignoresCase ? letters : [65...90])
        case "ASCII": return .ranges([0...127])
        case "Alpha": return .ranges(letters)
        case "Digit": return digit
        case "Alnum": return .ranges(letters + [48...57])
        case "Punct": return .ranges([33...47, 58...64, 91...96, 123...126])
        case "Graph": return .ranges([33...126])
        case "Print": return .ranges([32...126])
        case "Blank": return .ranges([9...9, 32...32])
        case "Cntrl": return .ranges([0...31, 127...127])
        case "XDigit": return .ranges([48...57, 65...70, 97...102])
        case "Space": return space
        case "L1": return .ranges([0...255])
        case "all", "ALL": return .ranges([0...0x10FFFF])
        default: return nil
        }
    }

    private static func binary(_ name: String, ignoresCase: Bool) -> RegexSet? {
        switch name {
        case "alphabetic", "alpha": return .predicate { $0.properties.isAlphabetic }
        case "letter": return category("L", ignoresCase: false)
        case "ideographic": return .predicate { $0.properties.isIdeographic }
        case "lowercase", "lower":
            return .predicate { $0.properties.isLowercase || (ignoresCase && $0.properties.isUppercase) }
        case "uppercase", "upper":
            return .predicate { $0.properties.isUppercase || (ignoresCase && $0.properties.isLowercase) }
        case "titlecase": return category("Lt", ignoresCase: ignoresCase)
        case "white_space", "whitespace", "space": return unicodeSpace
        case "control", "cntrl": return category("Cc", ignoresCase: false)
        case "punctuation", "punct": return category("P", ignoresCase: false)
        case "digit": return unicodeDigit
        case "hex_digit", "hexdigit", "xdigit": return .predicate { $0.properties.isHexDigit }
        case "alnum":
            return .predicate { $0.properties.isAlphabetic || $0.properties.generalCategory == .decimalNumber }
        case "noncharacter_code_point": return .predicate { $0.properties.isNoncharacterCodePoint }
        case "assigned": return .predicate { $0.properties.generalCategory != .unassigned }
        case "emoji": return .predicate { $0.properties.isEmoji }
        case "word": return unicodeWord
        default: return nil
        }
    }

    private static func java(_ name: String, ignoresCase: Bool) -> RegexSet? {
        switch name {
        case "LowerCase": return binary("lowercase", ignoresCase: ignoresCase)
        case "UpperCase": return binary("uppercase", ignoresCase: ignoresCase)
        case "Alphabetic": return binary("alphabetic", ignoresCase: false)
        case "Letter": return category("L", ignoresCase: false)
        case "Digit": return unicodeDigit
        case "LetterOrDigit": return .union([.named("L", ignoresCase: false, unicode: false) ?? digit, unicodeDigit])
        case "Whitespace": return unicodeSpace
        case "SpaceChar": return category("Z", ignoresCase: false)
        case "ISOControl": return category("Cc", ignoresCase: false)
        default: return nil
        }
    }

    /// A general category by its one or two letters.
    private static func category(_ name: String, ignoresCase: Bool) -> RegexSet? {
        if name == "LC" || (ignoresCase && ["Lu", "Ll", "Lt"].contains(name)) {
            return .predicate { ["Lu", "Ll", "Lt"].contains(code(of: $0)) }
        }
        if name == "LD" { return .predicate { code(of: $0).utf8.first == UInt8(ascii: "L") || code(of: $0) == "Nd" } }
        if name.utf8.count == 1, "LMNPSZC".utf8.contains(where: { $0 == name.utf8.first }) {
            return .predicate { code(of: $0).utf8.first == name.utf8.first }
        }
        let known = [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
            "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
        ]
        return known.contains(name) ? .predicate { code(of: $0) == name } : nil
    }

    private static func code(of scalar: Unicode.Scalar) -> String {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
