/// A JSON value as Ditto understands it: integers keep all 64 bits, other numbers are doubles.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Always finite when it comes from a text.
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    var isObject: Bool {
        if case .object = self { return true }
        return false
    }

    /// The members, where this is an object.
    public var object: JSONObject? {
        if case .object(let object) = self { return object }
        return nil
    }

    /// Moves the members out, so that they can be changed without being copied; put them back. Nil, and no change, where
    /// this is no object.
    @inline(__always)
    mutating func takeObject() -> JSONObject? {
        guard isObject else { return nil }
        let taken = consume self
        self = .null
        guard case .object(let object) = consume taken else { return nil }
        return object
    }

    /// The text, where this is a string.
    public var string: String? {
        if case .string(let string) = self { return string }
        return nil
    }

    /// The integer, where this is one by value: `2` and `2.0`, neither `2.5` nor what Int64 cannot hold.
    var integral: Int64? {
        switch self {
        case .int(let integer): integer
        case .double(let double): Self.integer(double)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// `Int64(exactly:)` without its call of libm's `trunc`, which a pure module is not linked with.
    private static func integer(_ double: Double) -> Int64? {
        guard double >= -0x1p63, double < 0x1p63 else { return nil }
        let integer = Int64(double)
        return Double(integer) == double ? integer : nil
    }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { text }
}

extension JSONValue: Equatable {
    /// Compares states: objects without order, texts by their bytes, numbers by value (1 = 1.0), integers exactly.
    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.int(let x), .int(let y)): x == y
        case (.double(let x), .double(let y)): x == y
        case (.int(let x), .double(let y)), (.double(let y), .int(let x)): Self.integer(y) == x
        case (.string(let x), .string(let y)): UTF8Text.equal(x, y)
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)): x == y
        case (.null, _), (.bool, _), (.int, _), (.double, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}
