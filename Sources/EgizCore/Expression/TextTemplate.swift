/// A text with expressions in braces: `"{features.filler.temperature:.1} °C in {name}"`. After a colon stands how a number is
/// written: `.1` digits after the point, `,` a comma before every three digits, `%` as a percentage. `{{` and `}}` are braces.
public struct TextTemplate: Sendable {
    struct NumberFormat: Sendable, Equatable {
        var digits: Int?
        var groups = false
        var isPercent = false
    }

    private enum Piece: Sendable {
        case literal(String)
        case value(Expression, NumberFormat)
    }

    public let source: String
    private let pieces: [Piece]
    /// The expressions, in their order.
    public let expressions: [Expression]

    /// What is shown of a value that is missing or failed.
    public static let nothing = "–"

    public init(parsing source: String, allowsValue: Bool = false) throws(ExpressionFault) {
        guard source.utf8.count <= Expression.maximumSource else {
            throw ExpressionFault(
                column: 1, "the text has \(source.utf8.count) bytes, expected at most \(Expression.maximumSource)")
        }
        self.source = source
        let bytes = Array(source.utf8)
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var position = 0
        let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
        while position < bytes.count {
            let byte = bytes[position]
            let isDouble = position + 1 < bytes.count && bytes[position + 1] == byte
            if (byte == open || byte == close), isDouble {
                literal.append(byte)
                position += 2
            } else if byte == close {
                throw ExpressionFault(
                    column: ExpressionLexer(bytes).column(of: position),
                    "found `}` without a `{` before it; write `}}` for a brace")
            } else if byte == open {
                if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
                literal = []
                pieces.append(try Self.value(bytes, &position, allowsValue))
            } else {
                literal.append(byte)
                position += 1
            }
        }
        if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
        self.pieces = pieces
        expressions = pieces.compactMap { piece in
            if case .value(let expression, _) = piece { return expression }
            return nil
        }
    }

    private static func value(
        _ bytes: [UInt8], _ position: inout Int, _ allowsValue: Bool
    ) throws(ExpressionFault) -> Piece {
        let start = position + 1
        // The lexer must not look beyond the brace: what follows is no expression.
        guard let end = closing(bytes, from: start) else {
            throw ExpressionFault(
                column: ExpressionLexer(bytes).column(of: position),
                "the `{` has no `}` after it; write `{{` for a brace")
        }
        var parser = try ExpressionParser(Array(bytes[..<end]), from: start, allowsValue: allowsValue)
        let root = try parser.expression()
        var format = NumberFormat()
        switch parser.current.token {
        case .end: break
        case .symbol(":"):
            let text = bytes[parser.current.end..<end]
            guard let read = Self.format(text) else {
                throw parser.fault(
                    "found \"\(String(decoding: text, as: UTF8.self))\" after `:`, expected a number format such as `.1`, `,.2` or `.0%`"
                )
            }
            format = read
        default: throw parser.fault("found \(parser.current.token.found), expected an operator, `:` or `}`")
        }
        position = end + 1
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        return .value(Expression(source: text, root: root, inputs: parser.inputs), format)
    }

    /// The next brace that closes, outside of texts in quotes.
    private static func closing(_ bytes: [UInt8], from start: Int) -> Int? {
        var quote: UInt8?
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if let open = quote {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: "}") {
                return index
            }
            index += 1
        }
        return nil
    }

    private static func format(_ text: ArraySlice<UInt8>) -> NumberFormat? {
        var format = NumberFormat()
        var rest = text.drop { $0 == 0x20 }
        while rest.last == 0x20 { rest.removeLast() }
        if rest.first == UInt8(ascii: ",") {
            format.groups = true
            rest.removeFirst()
        }
        if rest.last == UInt8(ascii: "%") {
            format.isPercent = true
            rest.removeLast()
        }
        if rest.first == UInt8(ascii: ".") {
            guard let digits = Int(String(decoding: rest.dropFirst(), as: UTF8.self)), (0...15).contains(digits) else {
                return nil
            }
            format.digits = digits
            rest = []
        }
        return rest.isEmpty && !text.isEmpty ? format : nil
    }

    /// The text, cut to `Expression.maximumText` bytes; `read` gives the value of an input of the expression with that number. What is
    /// missing or failed is shown as `–`.
    public func text(_ read: (_ expression: Int, _ input: Int) -> ExpressionValue) -> String {
        var result = ""
        var number = 0
        for piece in pieces {
            // What is cut off at the end need not be built first.
            if result.utf8.count > Expression.maximumText { break }
            switch piece {
            case .literal(let text): result += text
            case .value(let expression, let format):
                result += Self.show(expression.evaluate { read(number, $0) }, format)
                number += 1
            }
        }
        return result.utf8.count <= Expression.maximumText ? result : Self.cut(result)
    }

    private static func cut(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > Expression.maximumText { break }
            result.append(scalar)
        }
        return String(result)
    }

    static func show(_ value: ExpressionValue, _ format: NumberFormat) -> String {
        switch value {
        case .text(let text): return text
        case .boolean(let flag): return flag ? "true" : "false"
        case .missing, .failed, .null: return nothing
        case .compound: return "[…]"
        case .number(let number):
            let scaled = format.isPercent ? number * 100 : number
            let sign = format.isPercent ? "%" : ""
            if let digits = format.digits {
                return DecimalText.fixed(scaled, digits: digits, groups: format.groups) + sign
            }
            if format.groups {
                let whole = Rounding.floor(scaled) == scaled
                return DecimalText.fixed(scaled, digits: whole ? 0 : 2, groups: true) + sign
            }
            return DecimalText.shortest(scaled) + sign
        }
    }
}
