import EgizCore
import Yams

extension YAMLDocument {
    /// The value of a scalar by YAML 1.2's core schema: `yes`, `on`, `0o7` and the like are plain text. A number whose text
    /// would not come back as it was written stays text too, so that nothing is rounded on the way to Kafka.
    func content(of scalar: Node.Scalar, at mark: SourceMark) -> ConfigValue.Content {
        let text = unmasked(scalar.string)
        let tag = scalar.tag.rawValue
        // The parser gives quoted scalars the tag of a string.
        if tag == "tag:yaml.org,2002:str" || tag == "!" { return .string(text) }
        guard tag == "" else {
            faults.error(at: mark, "the tag `\(tag)` is not supported; remove it")
            return .string(text)
        }
        guard scalar.style == .plain else { return .string(text) }
        let content = Self.plain(text)
        if hasJSONNumbers, case .string = content, let number = Self.jsonNumber(text) { return .double(number) }
        return content
    }

    /// The number, where the text is one in JSON's form.
    private static func jsonNumber(_ text: String) -> Double? {
        guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil, Int64(text) == nil,
            let number = Double(text), number.isFinite, text.contains(where: { ".eE".contains($0) })
        else { return nil }
        return number
    }

    static func plain(_ text: String) -> ConfigValue.Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if let number = Int64(text), "\(number)" == text { return .int(number) }
        if let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let number = Double(text), number.isFinite, "\(number)" == text
        {
            return .double(number)
        }
        return .string(text)
    }
}
