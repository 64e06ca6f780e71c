/// An expression as a tree, as the parser sees it.
package indirect enum ExpressionNode: Sendable {
    package enum Unary: UInt8, Sendable { case negate, not }

    package enum Binary: UInt8, Sendable, CaseIterable {
        case add, subtract, multiply, divide, remainder
        case equal, notEqual, less, lessEqual, greater, greaterEqual
        case and, or, coalesce
    }

    case constant(ExpressionValue)
    /// By place in the list of inputs.
    case input(Int)
    case unary(Unary, ExpressionNode)
    case binary(Binary, ExpressionNode, ExpressionNode)
    case select(ExpressionNode, ExpressionNode, ExpressionNode)
    /// A function by its name, which the parser knows.
    case call(String, [ExpressionNode])
}
