public import EgizTwin

/// What an expression works with and what it comes to.
///
/// Errors are values: they travel through an expression instead of ending it, so that `exists(x) ? x : 0` and `a or b` mean what
/// they say. `missing` is a path that the thing does not have, `failed` a value that an operation cannot take.
public enum ExpressionValue: Sendable {
    /// Why an operation has no result.
    public enum Failure: UInt8, Sendable {
        /// A value of the wrong kind: `"a" - 1`.
        case type
        /// A division by zero.
        case division
        /// A number that a double cannot hold, or a root of a negative number.
        case range
        /// A text of more than `Expression.maximumText` bytes.
        case length
    }

    case missing
    case failed(Failure)
    case null
    case boolean(Bool)
    /// Always finite.
    case number(Double)
    case text(String)
    /// An array or an object: it exists, and nothing can be calculated with it.
    case compound

    public init(_ leaf: LeafValue) {
        switch leaf {
        case .number(let number): self = number.isFinite ? .number(number) : .failed(.range)
        case .integer(let integer): self = .number(Double(integer))
        case .boolean(let flag): self = .boolean(flag)
        case .text(let text): self = text.utf8.count <= Expression.maximumText ? .text(text) : .failed(.length)
        case .json: self = .compound
        case .null: self = .null
        case .absent: self = .missing
        }
    }

    public init(_ value: JSONValue?) {
        switch value {
        case nil: self = .missing
        case .null?: self = .null
        case .bool(let flag)?: self = .boolean(flag)
        case .int(let integer)?: self = .number(Double(integer))
        case .double(let number)?: self = number.isFinite ? .number(number) : .failed(.range)
        // What is longer cannot be worked on in bounded time.
        case .string(let text)?: self = text.utf8.count <= Expression.maximumText ? .text(text) : .failed(.length)
        case .array?, .object?: self = .compound
        }
    }

    /// True only for the boolean: neither for what is missing nor for what failed.
    @inline(__always)
    public var isTrue: Bool {
        if case .boolean(true) = self { return true }
        return false
    }

    public var isMissing: Bool {
        if case .missing = self { return true }
        return false
    }

    public var isFailed: Bool {
        if case .failed = self { return true }
        return false
    }
}

extension ExpressionValue: Equatable {
    /// Texts by their bytes, numbers by value.
    public static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.missing, .missing), (.null, .null), (.compound, .compound): true
        case (.failed(let x), .failed(let y)): x == y
        case (.boolean(let x), .boolean(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        case (.text(let x), .text(let y)): UTF8Text.equal(x, y)
        case (.missing, _), (.null, _), (.compound, _), (.failed, _), (.boolean, _), (.number, _), (.text, _): false
        }
    }
}
