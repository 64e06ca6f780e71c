/// The functions that expressions may call.
enum ExpressionFunction: UInt8, CaseIterable, Sendable {
    case abs, ceil, clamp, coalesce, contains, endsWith, exists, floor, `if`, len, lower, max, min, number, pow, round,
        sign,
        sqrt, startsWith, text, upper

    static let names: [String: ExpressionFunction] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    var name: String { "\(self)" }

    /// How many values it takes.
    var arity: ClosedRange<Int> {
        switch self {
        case .abs, .ceil, .exists, .floor, .len, .lower, .number, .sign, .sqrt, .text, .upper: 1...1
        case .contains, .endsWith, .pow, .startsWith: 2...2
        case .clamp, .if: 3...3
        case .round: 1...2
        case .coalesce, .max, .min: 1...16
        }
    }

    /// How a call looks, for messages and documentation.
    var usage: String {
        switch self {
        case .abs: "abs(x)"
        case .ceil: "ceil(x)"
        case .clamp: "clamp(x, low, high)"
        case .coalesce: "coalesce(a, b, …)"
        case .contains: "contains(text, part)"
        case .endsWith: "endsWith(text, end)"
        case .exists: "exists(x)"
        case .floor: "floor(x)"
        case .if: "if(condition, then, else)"
        case .len: "len(text)"
        case .lower: "lower(text)"
        case .max: "max(a, b, …)"
        case .min: "min(a, b, …)"
        case .number: "number(text)"
        case .pow: "pow(x, n)"
        case .round: "round(x) or round(x, digits)"
        case .sign: "sign(x)"
        case .sqrt: "sqrt(x)"
        case .startsWith: "startsWith(text, beginning)"
        case .text: "text(x)"
        case .upper: "upper(text)"
        }
    }
}
