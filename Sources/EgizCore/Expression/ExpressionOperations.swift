/// What the operators do. Three-valued: false decides an `and`, true an `or`; otherwise what failed prevails over what is missing,
/// and both over a result. Null counts as missing wherever a number, a text or a boolean is needed, and is a value for `==`.
enum ExpressionOperations {
    @inline(__always)
    static func unary(_ operation: ExpressionNode.Unary, _ a: ExpressionValue) -> ExpressionValue {
        switch (operation, a) {
        case (.negate, .number(let x)): .number(-x)
        case (.not, .boolean(let x)): .boolean(!x)
        default: without(a)
        }
    }

    /// The result of an operation on one value of a kind it cannot take.
    static func without(_ a: ExpressionValue) -> ExpressionValue {
        switch a {
        case .missing, .null: .missing
        case .failed: a
        default: .failed(.type)
        }
    }

    /// As above, of two: the failure of the first, then of the second, then what is missing.
    static func without(_ a: ExpressionValue, _ b: ExpressionValue) -> ExpressionValue {
        if a.isFailed { return a }
        if b.isFailed { return b }
        switch (a, b) {
        case (.missing, _), (.null, _), (_, .missing), (_, .null): return .missing
        default: return .failed(.type)
        }
    }

    @inline(__always)
    static func finite(_ number: Double) -> ExpressionValue { number.isFinite ? .number(number) : .failed(.range) }

    @inline(__always)
    static func binary(_ operation: ExpressionNode.Binary, _ a: ExpressionValue, _ b: ExpressionValue)
        -> ExpressionValue
    {
        if case .number(let x) = a, case .number(let y) = b {
            switch operation {
            case .add: return finite(x + y)
            case .subtract: return finite(x - y)
            case .multiply: return finite(x * y)
            case .divide: return y == 0 ? .failed(.division) : finite(x / y)
            case .remainder: return remainder(x, y)
            case .equal: return .boolean(x == y)
            case .notEqual: return .boolean(x != y)
            case .less: return .boolean(x < y)
            case .lessEqual: return .boolean(x <= y)
            case .greater: return .boolean(x > y)
            case .greaterEqual: return .boolean(x >= y)
            case .and, .or: return .failed(.type)
            case .coalesce: return a
            }
        }
        return general(operation, a, b)
    }

    private static func general(
        _ operation: ExpressionNode.Binary, _ a: ExpressionValue, _ b: ExpressionValue
    ) -> ExpressionValue {
        switch operation {
        case .add:
            guard case .text(let x) = a, case .text(let y) = b else { return without(a, b) }
            return x.utf8.count + y.utf8.count <= Expression.maximumText ? .text(x + y) : .failed(.length)
        case .subtract, .multiply, .divide, .remainder: return without(a, b)
        case .equal, .notEqual: return equality(a, b, isEqual: operation == .equal)
        case .less, .lessEqual, .greater, .greaterEqual:
            guard case .text(let x) = a, case .text(let y) = b else { return without(a, b) }
            return .boolean(ordered(operation, x, y))
        case .and: return conjunction(a, b)
        case .or: return disjunction(a, b)
        case .coalesce:
            switch a {
            case .missing, .null: return b
            default: return a
            }
        }
    }

    private static func ordered(_ operation: ExpressionNode.Binary, _ x: String, _ y: String) -> Bool {
        switch operation {
        case .less: x.utf8.lexicographicallyPrecedes(y.utf8)
        case .lessEqual: !y.utf8.lexicographicallyPrecedes(x.utf8)
        case .greater: y.utf8.lexicographicallyPrecedes(x.utf8)
        default: !x.utf8.lexicographicallyPrecedes(y.utf8)
        }
    }

    /// Values of different kinds are different; arrays and objects cannot be compared.
    private static func equality(_ a: ExpressionValue, _ b: ExpressionValue, isEqual: Bool) -> ExpressionValue {
        if a.isFailed { return a }
        if b.isFailed { return b }
        if a.isMissing || b.isMissing { return .missing }
        if case .compound = a { return .failed(.type) }
        if case .compound = b { return .failed(.type) }
        return .boolean((a == b) == isEqual)
    }

    private static func conjunction(_ a: ExpressionValue, _ b: ExpressionValue) -> ExpressionValue {
        if case .boolean(false) = a { return a }
        if case .boolean(false) = b { return b }
        if case .boolean(true) = a, case .boolean(true) = b { return a }
        return undecided(a, b)
    }

    private static func disjunction(_ a: ExpressionValue, _ b: ExpressionValue) -> ExpressionValue {
        if case .boolean(true) = a { return a }
        if case .boolean(true) = b { return b }
        if case .boolean(false) = a, case .boolean(false) = b { return a }
        return undecided(a, b)
    }

    /// Neither operand decides: a wrong kind fails, also beside what is missing.
    private static func undecided(_ a: ExpressionValue, _ b: ExpressionValue) -> ExpressionValue {
        func wrong(_ value: ExpressionValue) -> ExpressionValue? {
            switch value {
            case .failed: value
            case .boolean, .missing, .null: nil
            default: .failed(.type)
            }
        }
        return wrong(a) ?? wrong(b) ?? .missing
    }

    static func select(_ condition: ExpressionValue, _ yes: ExpressionValue, _ no: ExpressionValue) -> ExpressionValue {
        switch condition {
        case .boolean(let flag): flag ? yes : no
        default: without(condition)
        }
    }

    /// The sign is the divisor's, as in mathematics: `-1 % 3` is 2.
    private static func remainder(_ x: Double, _ y: Double) -> ExpressionValue {
        guard y != 0 else { return .failed(.division) }
        let result = x - y * Rounding.floor(x / y)
        return finite(result)
    }
}
