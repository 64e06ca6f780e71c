import EgizCore

/// The text of a YAML file as an array of code points with its lines, prepared for the parser.
///
/// Two things that the parser does are taken out of its hands by writing placeholders of the same width into the text:
/// aliases, which it would expand without any bound, and repeated keys, at the first of which it would give up. Columns do
/// not move, because the parser counts code points as well.
struct YAMLText {
    /// Stands for the `*` of what may be an alias. In a plain scalar a leading `*` can be nothing else, and everywhere else
    /// the placeholder is turned back.
    static let aliasMark: Unicode.Scalar = "\u{F8FE}"
    /// The first of the placeholders for the first code point of a repeated key.
    private static let firstKeyMark: UInt32 = 0xE000

    /// Each masked key costs one more reading of the file.
    private static let maximumMaskedKeys = 20

    private var scalars: [Unicode.Scalar]
    private var lineStarts: [Int]
    /// The original first code point of each masked key, by placeholder.
    private var maskedKeys: [Unicode.Scalar: Unicode.Scalar] = [:]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        // A byte order mark says nothing in UTF-8, and the parser takes it for content.
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        lineStarts = [0]
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": lineStarts.append(index + 1)
            case "\r" where index + 1 == scalars.count || scalars[index + 1] != "\n": lineStarts.append(index + 1)
            default: break
            }
        }
        maskAliases()
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The place of a code point, for errors that the parser gives by offset.
    func mark(at offset: Int) -> SourceMark {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return SourceMark(line: low + 1, column: offset - lineStarts[low] + 1)
    }

    /// The first code point that YAML does not allow in a file.
    var firstForbidden: (scalar: Unicode.Scalar, mark: SourceMark)? {
        for (index, scalar) in scalars.enumerated() {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD,
                0x10000...0x10FFFF:
                continue
            default: return (scalar, mark(at: index))
            }
        }
        return nil
    }

    /// True where a name follows, as after the `*` of an alias.
    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    private mutating func maskAliases() {
        for index in scalars.indices.dropLast() where scalars[index] == "*" && Self.isNameScalar(scalars[index + 1]) {
            scalars[index] = Self.aliasMark
        }
    }

    /// Makes the key at that place different from its equals, keeping its width.
    /// - Returns: false where the text there is not that key, so that the caller must give up.
    mutating func maskKey(_ key: String, at mark: SourceMark) -> Bool {
        guard lineStarts.indices.contains(mark.line - 1), let first = key.unicodeScalars.first,
            let placeholder = Unicode.Scalar(Self.firstKeyMark + UInt32(maskedKeys.count)),
            maskedKeys.count < Self.maximumMaskedKeys
        else { return false }
        var index = lineStarts[mark.line - 1] + mark.column - 1
        guard scalars.indices.contains(index) else { return false }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard scalars.indices.contains(index), scalars[index] == first else { return false }
        scalars[index] = placeholder
        maskedKeys[placeholder] = first
        return true
    }

    /// The key as it was written.
    func unmaskedKey(_ key: String) -> String {
        guard let first = key.unicodeScalars.first, let original = maskedKeys[first] else { return unmasked(key) }
        return unmasked(String(original) + String(key.unicodeScalars.dropFirst()))
    }

    /// A scalar's text with every `*` back in its place.
    func unmasked(_ text: String) -> String {
        guard text.unicodeScalars.contains(Self.aliasMark) else { return text }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text.unicodeScalars.map { $0 == Self.aliasMark ? "*" : $0 })
        return String(view)
    }
}
