/// A JSON text with members in the order given, indented by two spaces, as the files in `Schemas/` are kept.
package indirect enum JSONText {
    case object([(String, JSONText)])
    case array([JSONText])
    case string(String)
    case int(Int64)
    case bool(Bool)

    package var text: String {
        var out = ""
        write(into: &out, indent: 0)
        return out + "\n"
    }

    private func write(into out: inout String, indent: Int) {
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch self {
        case .object(let members):
            guard !members.isEmpty else { return out += "{}" }
            out += "{\n"
            for (index, member) in members.enumerated() {
                out += inner
                Self.quote(member.0, into: &out)
                out += ": "
                member.1.write(into: &out, indent: indent + 1)
                out += index == members.count - 1 ? "\n" : ",\n"
            }
            out += outer + "}"
        case .array(let items):
            guard !items.isEmpty else { return out += "[]" }
            let lines = items.map { item in
                var line = ""
                item.write(into: &line, indent: indent + 1)
                return line
            }
            let short = lines.joined(separator: ", ")
            if short.count <= 90, !short.contains("\n") {
                out += "[\(short)]"
            } else {
                out += "[\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n" + outer + "]"
            }
        case .string(let text): Self.quote(text, into: &out)
        case .int(let number): out += "\(number)"
        case .bool(let flag): out += flag ? "true" : "false"
        }
    }

    private static func quote(_ text: String, into out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..."\u{1F}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
