/// One schema, compiled. Other schemas are named by their number.
struct SchemaNode: Sendable {
    /// Kinds of JSON; an integer is a number without a fraction.
    struct Kinds: OptionSet, Sendable {
        let rawValue: Int

        static let object = Kinds(rawValue: 1)
        static let array = Kinds(rawValue: 2)
        static let string = Kinds(rawValue: 4)
        static let number = Kinds(rawValue: 8)
        static let integer = Kinds(rawValue: 16)
        static let boolean = Kinds(rawValue: 32)
        static let null = Kinds(rawValue: 64)
        static let all: [(name: String, kind: Kinds)] = [
            ("object", .object), ("array", .array), ("string", .string), ("number", .number), ("integer", .integer),
            ("boolean", .boolean), ("null", .null),
        ]
    }

    /// `true` and `false` as schemas.
    var isNever = false
    var reference: Int?
    var kinds: Kinds?
    var values: [JSONValue]?
    var minimum: Double?
    var maximum: Double?
    var above: Double?
    var below: Double?
    var multipleOf: Double?
    var lengths: ClosedRange<Int>?
    var pattern: (text: String, regex: JavaRegex)?
    var required: [String] = []
    var properties: [(name: String, schema: Int)] = []
    /// Nil: other members are as they like.
    var otherProperties: Int?
    var propertyNames: Int?
    var propertyCounts: ClosedRange<Int>?
    var firstItems: [Int] = []
    var items: Int?
    var itemCounts: ClosedRange<Int>?
    var hasUniqueItems = false
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var notOf: Int?

    /// The schemas that the same value is held to.
    var ofTheSameValue: [Int] {
        [reference, notOf].compactMap(\.self) + allOf + anyOf + oneOf
    }
}
