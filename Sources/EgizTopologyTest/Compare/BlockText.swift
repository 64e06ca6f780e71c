import EgizTwin

/// A value in the lines of a YAML block, as it would stand in a test file; for reading, not for parsing.
enum BlockText {
    private static let widest = 100

    static func lines(_ value: JSONValue) -> [String] {
        switch value {
        case .object(let object):
            guard !object.isEmpty else { return ["{}"] }
            return object.flatMap { member(name($0.key), $0.value) }
        case .array(let items):
            guard !items.isEmpty else { return ["[]"] }
            return items.flatMap { item -> [String] in
                if let line = flow(item), line.count <= widest { return ["- \(line)"] }
                let below = lines(item)
                return below.enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }
            }
        default: return [scalar(value)]
        }
    }

    private static func member(_ name: String, _ value: JSONValue) -> [String] {
        switch value {
        case .object(let object) where !object.isEmpty: return ["\(name):"] + lines(value).map { "  " + $0 }
        case .array(let items) where !items.isEmpty:
            if items.allSatisfy(isScalar), let line = flow(value), line.count <= widest { return ["\(name): \(line)"] }
            return ["\(name):"] + lines(value).map { "  " + $0 }
        default: return ["\(name): \(flow(value) ?? "")"]
        }
    }

    private static func isScalar(_ value: JSONValue) -> Bool {
        switch value {
        case .array, .object: false
        default: true
        }
    }

    /// The value in one line.
    private static func flow(_ value: JSONValue) -> String? {
        switch value {
        case .object(let object):
            if object.isEmpty { return "{}" }
            let members = object.map { key, value in
                key == ExpectationReader.rest ? key : "\(name(key)): \(flow(value) ?? "")"
            }
            return "{ " + members.joined(separator: ", ") + " }"
        case .array(let items): return "[" + items.map { flow($0) ?? "" }.joined(separator: ", ") + "]"
        default: return scalar(value)
        }
    }

    private static func name(_ text: String) -> String { scalar(.string(text)) }

    private static func scalar(_ value: JSONValue) -> String {
        guard case .string(let text) = value else { return value.text }
        return isPlain(text) ? text : value.text
    }

    /// Whether YAML reads the bare text as this text.
    private static func isPlain(_ text: String) -> Bool {
        guard !["", "true", "false", "null", "~"].contains(text), Double(text) == nil else { return false }
        if text == ExpectationReader.rest { return true }
        guard let first = text.utf8.first, !"-?:,[]{}#&*!|>'\"%@` ".utf8.contains(first) else { return false }
        return text.utf8.last != UInt8(ascii: " ") && text.utf8.last != UInt8(ascii: ":")
            && !text.contains(": ") && !text.contains(" #")
            && text.utf8.allSatisfy { $0 >= 0x20 && !",[]{}\"".utf8.contains($0) }
    }
}
