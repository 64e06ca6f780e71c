import EgizTwin

/// Cuts a text into tokens. Works on bytes; columns count characters (Unicode scalars).
struct ExpressionLexer {
    enum Token: Equatable {
        case number(Double)
        case text(String)
        case word(String)
        /// A path in dots and brackets, its first segment a root.
        case path([String])
        case symbol(String)
        case end

        /// For messages.
        var found: String {
            switch self {
            case .number(let number): "the number \(DecimalText.shortest(number))"
            case .text(let text): "the text \"\(Self.short(text))\""
            case .word(let word): "`\(Self.short(word))`"
            case .path(let segments): "the path \(Self.short(segments.joined(separator: ".")))"
            case .symbol(let symbol): "`\(symbol)`"
            case .end: "the end"
            }
        }

        private static func short(_ text: String) -> String {
            text.unicodeScalars.count > 40 ? String(text.unicodeScalars.prefix(40)) + "…" : text
        }
    }

    struct Lexeme {
        var token: Token
        /// Bytes from the beginning.
        var start: Int
        var end: Int
    }

    let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        position = start
    }

    func column(of byte: Int) -> Int {
        1 + bytes[..<Swift.min(byte, bytes.count)].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    private func fault(_ at: Int, _ message: String) -> ExpressionFault {
        ExpressionFault(column: column(of: at), message)
    }

    private func byte(_ offset: Int = 0) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    private static func startsWord(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static let symbols = [
        "&&", "||", "==", "!=", "<=", ">=", "??", "(", ")", "+", "-", "*", "/", "%", "<", ">", "?", ":", ",", "!",
    ]

    mutating func next() throws(ExpressionFault) -> Lexeme {
        while let byte = byte(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
        let start = position
        guard let first = byte() else { return Lexeme(token: .end, start: start, end: start) }
        let token: Token
        if Self.isDigit(first) || (first == UInt8(ascii: ".") && byte(1).map(Self.isDigit) == true) {
            token = .number(try number())
        } else if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            token = .text(try text())
        } else if Self.startsWord(first) {
            token = try wordOrPath()
        } else if let symbol = Self.symbols.first(where: { bytes[position...].starts(with: $0.utf8) }) {
            position += symbol.utf8.count
            token = .symbol(symbol)
        } else if first == UInt8(ascii: "=") {
            throw fault(start, "found `=`, expected an operator; write `==` to compare")
        } else if first == UInt8(ascii: "&") || first == UInt8(ascii: "|") {
            throw fault(start, "found a single `\(Character(Unicode.Scalar(first)))`, expected `and` or `or`")
        } else {
            throw fault(start, "found `\(Character(Unicode.Scalar(first)))`, which no expression contains here")
        }
        return Lexeme(token: token, start: start, end: position)
    }

    private mutating func number() throws(ExpressionFault) -> Double {
        let start = position
        func digits(_ lexer: inout ExpressionLexer) {
            while let byte = lexer.byte(), Self.isDigit(byte) { lexer.position += 1 }
        }
        digits(&self)
        if byte() == UInt8(ascii: "."), byte(1).map(Self.isDigit) == true {
            position += 1
            digits(&self)
        }
        if let exponent = byte(), exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") {
            let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
            if byte(signed ? 2 : 1).map(Self.isDigit) == true {
                position += signed ? 2 : 1
                digits(&self)
            }
        }
        if let byte = byte(), Self.startsWord(byte) {
            throw fault(
                position, "found a letter in a number, expected an operator; units are written outside of expressions")
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw fault(start, "the number \(text.prefix(40)) is larger than a number can be")
        }
        return value
    }

    /// A text in `"` or `'`; a backslash stands before a quote, a backslash, `n` or `t`.
    private mutating func text() throws(ExpressionFault) -> String {
        let start = position
        let quote = bytes[position]
        position += 1
        var result: [UInt8] = []
        while let byte = byte() {
            position += 1
            if byte == quote { return String(decoding: result, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch self.byte() {
            case UInt8(ascii: "n")?: result.append(0x0A)
            case UInt8(ascii: "t")?: result.append(0x09)
            case let other?
            where other == UInt8(ascii: "\\") || other == UInt8(ascii: "\"") || other == UInt8(ascii: "'"):
                result.append(other)
            default: throw fault(position - 1, "a backslash in a text is followed by `\\`, a quote, `n` or `t`")
            }
            position += 1
        }
        throw fault(start, "the text that begins here has no closing \(Character(Unicode.Scalar(quote)))")
    }

    private mutating func word() -> String {
        let start = position
        while let byte = byte(), Self.startsWord(byte) || Self.isDigit(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func wordOrPath() throws(ExpressionFault) -> Token {
        let start = position
        let first = word()
        guard ExpressionInput.roots.contains(first) else {
            if byte() == UInt8(ascii: "."), byte(1).map(Self.startsWord) == true {
                throw fault(
                    start,
                    "nothing is called `\(first)`; a path begins with \(ExpressionInput.roots.map { "`\($0)`" }.joined(separator: ", "))\(NearestWord.find(first, among: ExpressionInput.roots).map { "; did you mean `\($0)`?" } ?? "")"
                )
            }
            return .word(first)
        }
        var segments = [first]
        while true {
            if byte() == UInt8(ascii: "."), let next = byte(1), Self.startsWord(next) || Self.isDigit(next) {
                position += 1
                segments.append(word())
            } else if byte() == UInt8(ascii: ".") {
                throw fault(
                    position,
                    "found `.` at the end of a path, expected a name; other names are written in brackets: features[\"my-feature\"]"
                )
            } else if byte() == UInt8(ascii: "[") {
                let open = position
                position += 1
                guard let quote = byte(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                    throw fault(
                        position, "found no text after `[`, expected a name in quotes: features[\"my-feature\"]")
                }
                let name = try text()
                guard !name.utf8.isEmpty else { throw fault(open, "a name in a path is not empty") }
                guard byte() == UInt8(ascii: "]") else { throw fault(position, "expected `]` after the name") }
                position += 1
                segments.append(name)
            } else {
                return .path(Self.completed(segments))
            }
        }
    }

    /// `features.filler.temperature` is short for `/features/filler/properties/temperature`.
    static func completed(_ segments: [String]) -> [String] {
        guard segments.count >= 3, segments[0] == "features",
            !["properties", "desiredProperties", "definition"].contains(segments[2])
        else { return segments }
        return Array(segments[..<2]) + ["properties"] + Array(segments[2...])
    }
}
