/// The value of a leaf: a scalar or an array of a thing.
public enum LeafValue: Sendable, Equatable {
    case number(Double)
    /// Any integer, also one that no double holds exactly.
    case integer(Int64)
    case boolean(Bool)
    case text(String)
    /// An array, as compact JSON.
    case json(String)
    /// A null that is stored as a value.
    case null
    /// The leaf existed before and does no longer.
    case absent

    /// Nil for an object, which is no leaf.
    @inline(__always)
    init?(_ value: borrowing JSONValue) {
        switch copy value {
        case .null: self = .null
        case .bool(let flag): self = .boolean(flag)
        case .int(let integer): self = .integer(integer)
        case .double(let double): self = .number(double)
        case .string(let text): self = .text(text)
        case .array(let elements): self = .json(JSONValue.array(elements).text)
        case .object: return nil
        }
    }

    public static func == (a: LeafValue, b: LeafValue) -> Bool {
        switch (a, b) {
        case (.number(let x), .number(let y)): x == y
        case (.integer(let x), .integer(let y)): x == y
        case (.boolean(let x), .boolean(let y)): x == y
        case (.text(let x), .text(let y)), (.json(let x), .json(let y)): UTF8Text.equal(x, y)
        case (.null, .null), (.absent, .absent): true
        case (.number, _), (.integer, _), (.boolean, _), (.text, _), (.json, _), (.null, _), (.absent, _): false
        }
    }
}
