public import EgizTwin

/// A calculation over the values of one thing, compiled to a flat list of steps. No loops, no names to bind: what it costs is
/// bounded by its length. Evaluating one over numbers and booleans allocates nothing. A class, because rules hand it around for each
/// event.
public final class Expression: Sendable {
    /// Longer texts are no expressions, in bytes.
    public static let maximumSource = 4096
    /// Longer texts do not come out of an operation, in bytes.
    public static let maximumText = 4096

    struct Instruction: Sendable {
        enum Operation: UInt8, Sendable { case constant, input, unary, binary, select, call }

        var operation: Operation
        /// What `operation` says of it: a `Unary`, a `Binary` or an `ExpressionFunction`.
        var code: UInt8 = 0
        /// A place in `constants` or `inputs`, or how many values a call takes.
        var operand: Int32 = 0
    }

    public let source: String
    /// What it reads, each once.
    public let inputs: [ExpressionInput]
    /// Where its paths are found in things, by the places of `inputs`.
    public let places: [LeafPlace?]
    /// The place of `value` among the inputs; -1 where it is not read.
    public let valuePlace: Int
    package let root: ExpressionNode
    private let code: ContiguousArray<Instruction>
    private let constants: ContiguousArray<ExpressionValue>
    private let stack: Int

    /// - Parameter allowsValue: `value` stands for what the expression is about.
    public convenience init(parsing source: String, allowsValue: Bool = false) throws(ExpressionFault) {
        guard source.utf8.count <= Self.maximumSource else {
            throw ExpressionFault(
                column: 1, "the expression has \(source.utf8.count) bytes, expected at most \(Self.maximumSource)")
        }
        var parser = try ExpressionParser(Array(source.utf8), allowsValue: allowsValue)
        let root = try parser.expression()
        guard parser.current.token == .end else {
            throw parser.fault("found \(parser.current.token.found), expected an operator or the end")
        }
        self.init(source: source, root: root, inputs: parser.inputs)
    }

    /// An expression that is nothing but a path: `features.filler.temperature`, or the JSON pointer of one.
    public convenience init(path text: String) throws(ExpressionFault) {
        guard text.utf8.first == UInt8(ascii: "/") else {
            try self.init(parsing: text)
            guard case .input = root, paths.count == 1 else {
                throw ExpressionFault(
                    column: 1, "found a calculation, expected a path such as features.filler.temperature")
            }
            return
        }
        guard let segments = try? JSONPointer(parsing: text).segments, let first = segments.first,
            ExpressionInput.roots.contains(first), !segments.contains(where: \.utf8.isEmpty), text.utf8.count <= 1024
        else {
            throw ExpressionFault(
                column: 1,
                "\"\(text.prefix(60))\" is no JSON pointer into a thing, such as /features/filler/properties/temperature"
            )
        }
        self.init(source: text, root: .input(0), inputs: [.path(segments)])
    }

    init(source: String, root: ExpressionNode, inputs: [ExpressionInput]) {
        self.source = source
        self.root = root
        self.inputs = inputs
        places = inputs.map { input in
            if case .path(let segments) = input { return LeafPlace(segments) }
            return nil
        }
        valuePlace = inputs.firstIndex(of: .value) ?? -1
        var compiler = Compiler()
        compiler.compile(root)
        (code, constants, stack) = (compiler.code, compiler.constants, compiler.stack)
    }

    /// The paths that it reads.
    public var paths: [[String]] {
        inputs.compactMap { input in
            if case .path(let segments) = input { return segments }
            return nil
        }
    }

    /// Makes the flat list of steps.
    private struct Compiler {
        var code: ContiguousArray<Instruction> = []
        var constants: ContiguousArray<ExpressionValue> = []
        /// The most values that are held at once.
        var stack = 0
        private var depth = 0

        private mutating func push(_ instruction: Instruction, takes: Int) {
            code.append(instruction)
            depth += 1 - takes
            stack = Swift.max(stack, depth)
        }

        mutating func compile(_ node: ExpressionNode) {
            switch node {
            case .constant(let value):
                constants.append(value)
                push(.init(operation: .constant, operand: Int32(constants.count - 1)), takes: 0)
            case .input(let place): push(.init(operation: .input, operand: Int32(place)), takes: 0)
            case .unary(let operation, let a):
                compile(a)
                push(.init(operation: .unary, code: operation.rawValue), takes: 1)
            case .binary(let operation, let a, let b):
                compile(a)
                compile(b)
                push(.init(operation: .binary, code: operation.rawValue), takes: 2)
            case .select(let a, let b, let c):
                compile(a)
                compile(b)
                compile(c)
                push(.init(operation: .select), takes: 3)
            case .call(let name, let arguments):
                for argument in arguments { compile(argument) }
                let function = ExpressionFunction.names[name]?.rawValue ?? 0
                push(
                    .init(operation: .call, code: function, operand: Int32(arguments.count)),
                    takes: arguments.count)
            }
        }
    }

    /// The value; `read` gives that of an input by its place in `inputs`, and is called in their order of use.
    public func evaluate(_ read: (Int) -> ExpressionValue) -> ExpressionValue {
        // The commonest expression of all is a bare path.
        if code.count == 1, case .input = code[0].operation { return read(Int(code[0].operand)) }
        return withUnsafeTemporaryAllocation(of: ExpressionValue.self, capacity: stack) { values in
            var top = 0
            code.withUnsafeBufferPointer { code in
                for instruction in code { step(instruction, values, &top, read) }
            }
            // Balanced by construction: exactly one value is left.
            return values.moveElement(from: 0)
        }
    }

    @inline(__always)
    private func step(
        _ instruction: Instruction, _ values: UnsafeMutableBufferPointer<ExpressionValue>, _ top: inout Int,
        _ read: (Int) -> ExpressionValue
    ) {
        switch instruction.operation {
        case .constant:
            values.initializeElement(at: top, to: constants[Int(instruction.operand)])
            top += 1
        case .input:
            values.initializeElement(at: top, to: read(Int(instruction.operand)))
            top += 1
        case .unary:
            let a = values.moveElement(from: top - 1)
            let result = ExpressionOperations.unary(.init(rawValue: instruction.code) ?? .not, a)
            values.initializeElement(at: top - 1, to: result)
        case .binary:
            let b = values.moveElement(from: top - 1)
            let a = values.moveElement(from: top - 2)
            let result = ExpressionOperations.binary(.init(rawValue: instruction.code) ?? .equal, a, b)
            values.initializeElement(at: top - 2, to: result)
            top -= 1
        case .select:
            let no = values.moveElement(from: top - 1)
            let yes = values.moveElement(from: top - 2)
            let condition = values.moveElement(from: top - 3)
            let result = ExpressionOperations.select(condition, yes, no)
            values.initializeElement(at: top - 3, to: result)
            top -= 2
        case .call:
            let count = Int(instruction.operand)
            let first = top - count
            let result = ExpressionOperations.call(
                .init(rawValue: instruction.code) ?? .exists, UnsafeBufferPointer(rebasing: values[first..<top]))
            for index in first..<top { _ = values.moveElement(from: index) }
            values.initializeElement(at: first, to: result)
            top = first + 1
        }
    }
}

extension Expression {
    /// The condition under which a comparison goes on to hold once it held, with a margin: `a > b` becomes `a > b - margin`, `a < b`
    /// becomes `a < b + margin`. Nil where the expression is no such comparison.
    public func relaxed(by margin: Double) -> Expression? {
        guard case .binary(let operation, let a, let b) = root else { return nil }
        let offset = ExpressionNode.constant(.number(margin))
        let bound: ExpressionNode
        switch operation {
        case .greater, .greaterEqual: bound = .binary(.subtract, b, offset)
        case .less, .lessEqual: bound = .binary(.add, b, offset)
        default: return nil
        }
        return Expression(source: source, root: .binary(operation, a, bound), inputs: inputs)
    }
}
