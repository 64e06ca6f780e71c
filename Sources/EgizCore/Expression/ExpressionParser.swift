import EgizTwin

/// Reads an expression by precedence; ends at the first token that does not belong to it. One use a parser.
struct ExpressionParser {
    /// Levels of nesting: parentheses, calls, conditionals, signs.
    static let maximumDepth = 32
    static let maximumNodes = 256

    private(set) var lexer: ExpressionLexer
    private(set) var current: ExpressionLexer.Lexeme
    private(set) var inputs: [ExpressionInput] = []
    private let allowsValue: Bool
    private var nodes = 0
    private var depth = 0

    init(_ bytes: [UInt8], from start: Int = 0, allowsValue: Bool) throws(ExpressionFault) {
        var lexer = ExpressionLexer(bytes, from: start)
        current = try lexer.next()
        self.lexer = lexer
        self.allowsValue = allowsValue
    }

    func fault(_ message: String, at lexeme: ExpressionLexer.Lexeme? = nil) -> ExpressionFault {
        ExpressionFault(column: lexer.column(of: (lexeme ?? current).start), message)
    }

    private mutating func advance() throws(ExpressionFault) { current = try lexer.next() }

    private mutating func take(_ symbol: String) throws(ExpressionFault) -> Bool {
        guard current.token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private func isWord(_ word: String) -> Bool { current.token == .word(word) }

    private mutating func made(_ node: ExpressionNode) throws(ExpressionFault) -> ExpressionNode {
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            throw fault("the expression has more than \(Self.maximumNodes) parts; divide it")
        }
        return node
    }

    private mutating func nested(
        _ body: (inout ExpressionParser) throws(ExpressionFault) -> ExpressionNode
    ) throws(ExpressionFault) -> ExpressionNode {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw fault("the expression is nested more than \(Self.maximumDepth) levels deep")
        }
        let node = try body(&self)
        depth -= 1
        return node
    }

    // MARK: Levels of precedence

    mutating func expression() throws(ExpressionFault) -> ExpressionNode {
        try nested { (parser) throws(ExpressionFault) in try parser.conditional() }
    }

    private mutating func conditional() throws(ExpressionFault) -> ExpressionNode {
        let condition = try coalesced()
        guard try take("?") else { return condition }
        let yes = try expression()
        guard try take(":") else { throw fault("found \(current.token.found), expected `:` of `condition ? a : b`") }
        let no = try expression()
        return try made(.select(condition, yes, no))
    }

    private mutating func coalesced() throws(ExpressionFault) -> ExpressionNode {
        var left = try disjunction()
        while try take("??") { left = try made(.binary(.coalesce, left, try disjunction())) }
        return left
    }

    private mutating func disjunction() throws(ExpressionFault) -> ExpressionNode {
        var left = try conjunction()
        while isWord("or") || current.token == .symbol("||") {
            try advance()
            left = try made(.binary(.or, left, try conjunction()))
        }
        return left
    }

    private mutating func conjunction() throws(ExpressionFault) -> ExpressionNode {
        var left = try negation()
        while isWord("and") || current.token == .symbol("&&") {
            try advance()
            left = try made(.binary(.and, left, try negation()))
        }
        return left
    }

    /// `not a == b` is `not (a == b)`; `!a == b` is `(!a) == b`.
    private mutating func negation() throws(ExpressionFault) -> ExpressionNode {
        guard isWord("not") else { return try comparison() }
        try advance()
        let inner = try nested { (parser) throws(ExpressionFault) in try parser.negation() }
        return try made(.unary(.not, inner))
    }

    private static let comparisons: [String: ExpressionNode.Binary] = [
        "==": .equal, "!=": .notEqual, "<": .less, "<=": .lessEqual, ">": .greater, ">=": .greaterEqual,
    ]

    private mutating func comparison() throws(ExpressionFault) -> ExpressionNode {
        let left = try sum()
        guard case .symbol(let symbol) = current.token, let operation = Self.comparisons[symbol] else { return left }
        try advance()
        let node = try made(.binary(operation, left, try sum()))
        if case .symbol(let again) = current.token, Self.comparisons[again] != nil {
            throw fault("found `\(again)` after a comparison, expected `and`: write `a < b and b < c`")
        }
        return node
    }

    private mutating func sum() throws(ExpressionFault) -> ExpressionNode {
        var left = try product()
        while true {
            if try take("+") {
                left = try made(.binary(.add, left, try product()))
            } else if try take("-") {
                left = try made(.binary(.subtract, left, try product()))
            } else {
                return left
            }
        }
    }

    private mutating func product() throws(ExpressionFault) -> ExpressionNode {
        var left = try unary()
        while true {
            if try take("*") {
                left = try made(.binary(.multiply, left, try unary()))
            } else if try take("/") {
                left = try made(.binary(.divide, left, try unary()))
            } else if try take("%") {
                left = try made(.binary(.remainder, left, try unary()))
            } else {
                return left
            }
        }
    }

    private mutating func unary() throws(ExpressionFault) -> ExpressionNode {
        if try take("-") {
            return try made(.unary(.negate, try nested { (parser) throws(ExpressionFault) in try parser.unary() }))
        }
        if try take("!") {
            return try made(.unary(.not, try nested { (parser) throws(ExpressionFault) in try parser.unary() }))
        }
        return try primary()
    }

    private mutating func primary() throws(ExpressionFault) -> ExpressionNode {
        let lexeme = current
        switch lexeme.token {
        case .number(let number):
            try advance()
            return try made(.constant(.number(number)))
        case .text(let text):
            try advance()
            return try made(.constant(.text(text)))
        case .path(let segments):
            try advance()
            return try made(.input(try input(.path(segments), lexeme)))
        case .word(let word):
            try advance()
            return try name(word, lexeme)
        case .symbol("("):
            try advance()
            let node = try expression()
            guard try take(")") else {
                throw fault("found \(current.token.found), expected an operator or `)`")
            }
            return node
        case .symbol, .end:
            throw fault(
                "found \(lexeme.token.found), expected a value: a number, a text in quotes, a path such as features.filler.temperature, or a function"
            )
        }
    }

    // MARK: Names

    private mutating func name(_ word: String, _ lexeme: ExpressionLexer.Lexeme) throws(ExpressionFault)
        -> ExpressionNode
    {
        switch word {
        case "true": return try made(.constant(.boolean(true)))
        case "false": return try made(.constant(.boolean(false)))
        case "null": return try made(.constant(.null))
        case "and", "or", "not": throw fault("found `\(word)`, expected a value", at: lexeme)
        default: break
        }
        if current.token == .symbol("(") { return try call(word, lexeme) }
        if let input = ExpressionInput.words.first(where: { $0.0 == word })?.1 {
            guard input != .value || allowsValue else {
                throw fault("`value` has no meaning here; name a path such as features.filler.temperature", at: lexeme)
            }
            return try made(.input(try self.input(input, lexeme)))
        }
        let words = ExpressionInput.words.map(\.0).filter { $0 != "value" || allowsValue }
        let functions = ExpressionFunction.allCases.map(\.name)
        let known = ExpressionInput.roots + words + ["true", "false", "null"] + functions
        let hint: String
        if functions.contains(word) {
            hint = "; a function is called with parentheses: `\(ExpressionFunction.names[word]?.usage ?? word)`"
        } else if let near = NearestWord.find(word, among: known) {
            hint = "; did you mean `\(near)`?"
        } else {
            hint = "; a text is written in quotes"
        }
        throw fault(
            "nothing is called `\(word)`, expected a path that begins with `features` or `attributes`, or \(words.map { "`\($0)`" }.joined(separator: ", "))\(hint)",
            at: lexeme)
    }

    private mutating func input(
        _ input: ExpressionInput, _ lexeme: ExpressionLexer.Lexeme
    ) throws(ExpressionFault) -> Int {
        if case .path(let segments) = input, JSONPointer(segments: segments).text.utf8.count > 1024 {
            throw fault("the path has more than 1024 bytes", at: lexeme)
        }
        if let known = inputs.firstIndex(of: input) { return known }
        inputs.append(input)
        return inputs.count - 1
    }

    private mutating func call(_ word: String, _ lexeme: ExpressionLexer.Lexeme) throws(ExpressionFault)
        -> ExpressionNode
    {
        if word == "path" { return try pointer(lexeme) }
        guard let function = ExpressionFunction.names[word] else {
            let known = ExpressionFunction.allCases.map(\.name) + ["path"]
            throw fault(
                "there is no function `\(word)`, expected \(known.map { "`\($0)`" }.joined(separator: ", "))\(NearestWord.find(word, among: known).map { "; did you mean `\($0)`?" } ?? "")",
                at: lexeme)
        }
        try advance()
        var arguments: [ExpressionNode] = []
        if current.token != .symbol(")") {
            repeat { arguments.append(try expression()) } while try take(",")
        }
        guard try take(")") else {
            throw fault("found \(current.token.found), expected `,` or `)` in \(function.usage)")
        }
        guard function.arity.contains(arguments.count) else {
            let arity = function.arity
            let expected = arity.count == 1 ? "\(arity.lowerBound)" : "\(arity.lowerBound) to \(arity.upperBound)"
            throw fault(
                "`\(word)` has \(arguments.count) value\(arguments.count == 1 ? "" : "s"), expected \(expected): \(function.usage)",
                at: lexeme)
        }
        if function == .if { return try made(.select(arguments[0], arguments[1], arguments[2])) }
        return try made(.call(function.name, arguments))
    }

    /// `path("/features/x/properties/a-b")`: any JSON pointer.
    private mutating func pointer(_ lexeme: ExpressionLexer.Lexeme) throws(ExpressionFault) -> ExpressionNode {
        try advance()
        guard case .text(let text) = current.token else {
            throw fault(
                "found \(current.token.found), expected a JSON pointer in quotes: path(\"/features/x/properties/a-b\")")
        }
        let place = current
        guard let segments = try? JSONPointer(parsing: text).segments, let root = segments.first,
            ExpressionInput.roots.contains(root), !segments.contains(where: \.utf8.isEmpty)
        else {
            throw fault(
                "\"\(text.prefix(60))\" is no JSON pointer into a thing, such as /features/x/properties/a-b or /attributes/a~1b",
                at: place)
        }
        try advance()
        guard try take(")") else { throw fault("found \(current.token.found), expected `)`") }
        return try made(.input(try input(.path(segments), lexeme)))
    }
}
