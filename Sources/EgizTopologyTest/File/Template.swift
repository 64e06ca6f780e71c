import EgizTwin
import Foundation

/// The placeholders of a given record: `{n}` the number of the repetition, `{n:3}` the same with at least so many digits, `{at}` the
/// record's time. A text that is nothing but `{n}` becomes the number itself.
struct Template {
    var number: Int64?
    var at: EventTime?

    func fill(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string("{n}") where number != nil: return .int(number ?? 0)
        case .string(let text): return .string(fill(text))
        case .array(let items): return .array(items.map(fill))
        case .object(let object):
            var filled = JSONObject()
            for (key, value) in object { filled[fill(key)] = fill(value) }
            return .object(filled)
        case .null, .bool, .int, .double: return value
        }
    }

    func fill(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "{")) else { return text }
        var text = text
        if let at { text = text.replacingOccurrences(of: "{at}", with: at.text) }
        guard let number else { return text }
        text = text.replacingOccurrences(of: "{n}", with: "\(number)")
        return text.replacing(/\{n:([1-9])\}/) { match in
            let digits = "\(number)"
            let width = Int(match.output.1) ?? 1
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }
}
