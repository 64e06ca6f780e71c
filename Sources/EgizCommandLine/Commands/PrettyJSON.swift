import EgizTwin

/// JSON with a line for each member, for people. Numbers are as the engine reads them.
enum PrettyJSON {
    static func text(_ value: JSONValue) -> String { text(value, indent: "") }

    private static func text(_ value: JSONValue, indent: String) -> String {
        let deeper = indent + "  "
        switch value {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { deeper + text($0, indent: deeper) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
        case .object(let object) where !object.isEmpty:
            let lines = object.map { member in
                "\(deeper)\(JSONValue.string(member.key).text): \(text(member.value, indent: deeper))"
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        default: return value.text
        }
    }
}
