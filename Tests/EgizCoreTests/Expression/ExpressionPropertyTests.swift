import TestSupport
import Testing

@testable import EgizCore

/// The compiled form against a naive walk over the tree, and the parser against anything.
@Suite struct ExpressionPropertyTests {
    private static let inputs: [ExpressionInput] = [
        .path(["features", "f", "properties", "a"]), .path(["features", "f", "properties", "b-c"]),
        .path(["attributes", "x"]), .revision,
        .thingID,
    ]
    private static let inputTexts = [
        "features.f.a", "path(\"/features/f/properties/b-c\")", "attributes.x", "revision", "thingId",
    ]
    private static let binaries: [(String, ExpressionNode.Binary)] = [
        ("+", .add), ("-", .subtract), ("*", .multiply), ("/", .divide), ("%", .remainder), ("==", .equal),
        ("!=", .notEqual), ("<", .less),
        ("<=", .lessEqual), (">", .greater), (">=", .greaterEqual), ("and", .and), ("||", .or), ("??", .coalesce),
    ]
    private static let unaries = ["abs", "ceil", "floor", "sqrt", "len", "text", "number", "exists", "round", "sign"]

    private static func text(_ depth: Int, _ random: inout SeededGenerator) -> String {
        func below() -> String { text(depth - 1, &random) }
        switch depth == 0 ? Int.random(in: 0...3, using: &random) : Int.random(in: 0...11, using: &random) {
        case 0: return inputTexts.randomElement(using: &random) ?? "revision"
        case 1: return "\(Int.random(in: 0...9, using: &random))"
        case 2: return ["true", "false", "null", "\"a\"", "'b'"].randomElement(using: &random) ?? "null"
        case 3: return "\(Int.random(in: 0...99, using: &random)).5"
        case 4: return "-\(below())"
        case 5: return "!\(below())"
        case 6: return "(\(below()) ? \(below()) : \(below()))"
        case 7: return "\(unaries.randomElement(using: &random) ?? "abs")(\(below()))"
        case 8: return "max(\(below()), \(below()))"
        default:
            let operation = binaries.randomElement(using: &random)?.0 ?? "+"
            return "(\(below()) \(operation) \(below()))"
        }
    }

    private static func value(_ random: inout SeededGenerator) -> ExpressionValue {
        switch Int.random(in: 0...7, using: &random) {
        case 0: .missing
        case 1: .null
        case 2: .boolean(Bool.random(using: &random))
        case 3: .text(["a", "b", "7", ""].randomElement(using: &random) ?? "a")
        case 4: .compound
        default: .number(Double(Int.random(in: -8...8, using: &random)) / 2)
        }
    }

    /// What an expression means, said as plainly as possible and sharing no code with the compiled form.
    private static func naive(_ node: ExpressionNode, _ read: (Int) -> ExpressionValue) -> ExpressionValue {
        func wrong(_ values: [ExpressionValue]) -> ExpressionValue {
            for value in values { if case .failed = value { return value } }
            for value in values { if value == .missing || value == .null { return .missing } }
            return .failed(.type)
        }
        func checked(_ number: Double) -> ExpressionValue { number.isFinite ? .number(number) : .failed(.range) }
        switch node {
        case .constant(let value): return value
        case .input(let place): return read(place)
        case .unary(.negate, let a):
            let a = naive(a, read)
            if case .number(let x) = a { return .number(0 - x) }
            return wrong([a])
        case .unary(.not, let a):
            let a = naive(a, read)
            if case .boolean(let x) = a { return .boolean(x ? false : true) }
            return wrong([a])
        case .select(let condition, let yes, let no):
            let condition = naive(condition, read)
            if condition == .boolean(true) { return naive(yes, read) }
            if condition == .boolean(false) { return naive(no, read) }
            return wrong([condition])
        case .binary(let operation, let left, let right):
            let (a, b) = (naive(left, read), naive(right, read))
            switch operation {
            case .coalesce: return a == .missing || a == .null ? b : a
            case .and, .or:
                let decisive = ExpressionValue.boolean(operation == .or)
                if a == decisive || b == decisive { return decisive }
                for value in [a, b] {
                    switch value {
                    case .failed: return value
                    case .boolean, .missing, .null: continue
                    default: return .failed(.type)
                    }
                }
                let other = ExpressionValue.boolean(operation == .and)
                return a == other && b == other ? other : .missing
            case .equal, .notEqual:
                for value in [a, b] { if case .failed = value { return value } }
                if a == .missing || b == .missing { return .missing }
                if a == .compound || b == .compound { return .failed(.type) }
                return .boolean(operation == .equal ? a == b : a != b)
            default: break
            }
            if case .number(let x) = a, case .number(let y) = b {
                switch operation {
                case .add: return checked(x + y)
                case .subtract: return checked(x - y)
                case .multiply: return checked(x * y)
                case .divide: return y == 0 ? .failed(.division) : checked(x / y)
                case .remainder:
                    return y == 0 ? .failed(.division) : checked(x - y * (x / y).rounded(.down))
                case .less: return .boolean(x < y)
                case .lessEqual: return .boolean(x <= y)
                case .greater: return .boolean(x > y)
                default: return .boolean(x >= y)
                }
            }
            if case .text(let x) = a, case .text(let y) = b {
                switch operation {
                case .add: return .text(x + y)
                case .less: return .boolean(x < y)
                case .lessEqual: return .boolean(x <= y)
                case .greater: return .boolean(x > y)
                case .greaterEqual: return .boolean(x >= y)
                default: return .failed(.type)
                }
            }
            return wrong([a, b])
        case .call(let name, let arguments):
            let values = arguments.map { naive($0, read) }
            let a = values[0]
            if name == "exists" {
                if case .failed = a { return a }
                return .boolean(a != .missing)
            }
            if name == "max" {
                var best = -Double.infinity
                for value in values {
                    if case .failed = value {
                        return value
                    } else if case .number = value {
                    } else if value != .missing, value != .null {
                        // The first wrong value, unless one before it failed.
                        return firstWrong(values)
                    }
                }
                for value in values {
                    guard case .number(let x) = value else { return .missing }
                    best = Swift.max(best, x)
                }
                return .number(best)
            }
            switch (name, a) {
            case ("abs", .number(let x)): return .number(x < 0 ? -x : x)
            case ("ceil", .number(let x)): return .number(x.rounded(.up))
            case ("floor", .number(let x)): return .number(x.rounded(.down))
            case ("round", .number(let x)): return .number(x.rounded(.toNearestOrAwayFromZero))
            case ("sign", .number(let x)): return .number(x == 0 ? 0 : x < 0 ? -1 : 1)
            case ("sqrt", .number(let x)): return x < 0 ? .failed(.range) : .number(x.squareRoot())
            case ("len", .text(let x)): return .number(Double(x.unicodeScalars.count))
            case ("text", .text): return a
            case ("text", .boolean(let x)): return .text(x ? "true" : "false")
            case ("text", .number(let x)):
                let text = "\(x == 0 ? 0 : x)"
                return .text(text.hasSuffix(".0") && abs(x) < 1e15 ? String(text.dropLast(2)) : text)
            case ("number", .number): return a
            case ("number", .boolean(let x)): return .number(x ? 1 : 0)
            case ("number", .text(let x)): return Double(x).map { .number($0) } ?? .failed(.type)
            default: return wrong([a])
            }
        }
    }

    private static func firstWrong(_ values: [ExpressionValue]) -> ExpressionValue {
        for value in values {
            switch value {
            case .failed: return value
            case .number, .missing, .null: continue
            default: return .failed(.type)
            }
        }
        return .missing
    }

    @Test(arguments: 0..<40)
    func theFlatFormMeansWhatTheTreeMeans(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var kinds: Set<String> = []
        for _ in 0..<100 {
            let text = Self.text(Int.random(in: 1...4, using: &random), &random)
            guard let expression = try? Expression(parsing: text) else { continue }
            for _ in 0..<4 {
                let values = Self.inputs.map { _ in Self.value(&random) }
                func read(_ place: Int) -> ExpressionValue {
                    Self.inputs.firstIndex(of: expression.inputs[place]).map { values[$0] } ?? .missing
                }
                let flat = expression.evaluate(read)
                #expect(flat == Self.naive(expression.root, read), "\(text) with \(values)")
                kinds.insert(String("\(flat)".prefix { $0 != "(" }))
            }
        }
        #expect(kinds.count >= 4, "only \(kinds) came out: the test says little")
    }

    /// Whatever the text: a fault with a column inside of it, or an expression that evaluates.
    @Test(arguments: 0..<30)
    func noTextBreaksTheParser(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 1000)
        let pieces = [
            "features", ".", "f", "[", "]", "\"", "'", "(", ")", "+", "-", "*", "/", "%", "?", ":", "??", "and", "or",
            "not", "==", "=", "<", "!", ",",
            "1", "1e", "1.5.2", "é", "\\", "max(", "path(", "\"/features/x\"", " ", "\n", "{", "}", "$", "value",
            "null", "\u{0}", "🏭", "999e999", "if(", "&",
        ]
        for _ in 0..<300 {
            let count = Int.random(in: 0...24, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            do throws(ExpressionFault) {
                let expression = try Expression(parsing: text, allowsValue: true)
                _ = expression.evaluate { _ in .number(1) }
            } catch {
                #expect(error.column >= 1 && error.column <= text.unicodeScalars.count + 1, "\(text): \(error)")
            }
            do throws(ExpressionFault) {
                _ = try TextTemplate(parsing: "a {\(text)} b").text { _, _ in .number(1) }
            } catch {
                #expect(error.column >= 1 && error.column <= text.unicodeScalars.count + 7, "\(text): \(error)")
            }
        }
    }
}
