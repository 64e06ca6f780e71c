/// Why a text is no expression: where, what was found, what was expected.
public struct ExpressionFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// From 1, in characters.
    public var column: Int
    public var message: String

    public init(column: Int, _ message: String) {
        self.column = column
        self.message = message
    }

    public var description: String { "column \(column): \(message)" }
}
