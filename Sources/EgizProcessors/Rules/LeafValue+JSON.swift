import EgizTwin

extension LeafValue {
    /// What kind of value a leaf has, as history calls it.
    enum Kind: String { case number, boolean, text, json, null, absent }

    var kind: Kind {
        switch self {
        case .number, .integer: .number
        case .boolean: .boolean
        case .text: .text
        case .json: .json
        case .null: .null
        case .absent: .absent
        }
    }

    /// The value as JSON; nil where the leaf exists no longer.
    func json(_ parser: JSONParser) -> JSONValue? {
        switch self {
        case .number(let number): .double(number)
        case .integer(let integer): .int(integer)
        case .boolean(let flag): .bool(flag)
        case .text(let text): .string(text)
        // Compact JSON of our own making; what could not be read would still be said.
        case .json(let text): (try? parser.parse(Array(text.utf8))) ?? .string(text)
        case .null: .null
        case .absent: nil
        }
    }
}
