public import EgizTwin
import Foundation

/// As much of JSON Schema as the schemas of our messages use; an unknown keyword is a fault, so that none is passed over.
public struct JSONSchema {
    private let root: JSONObject

    /// The schema of that name in `Schemas/`.
    public init(_ name: String) throws {
        let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Schemas/\(name)")
        let value = try JSONParser().parse([UInt8](Data(contentsOf: file)))
        root = value.object ?? JSONObject()
    }

    /// What is wrong with a value, one sentence each; empty where it is as it should be.
    public func faults(_ value: JSONValue) -> [String] { Self.faults(value, root, "") }

    private static let silent = [
        "$schema", "$id", "title", "description", "format", "properties", "additionalProperties", "examples",
    ]

    private static func faults(_ value: JSONValue, _ schema: JSONObject, _ path: String) -> [String] {
        var faults: [String] = []
        for (keyword, rule) in schema where !silent.contains(keyword) {
            switch (keyword, rule) {
            case ("type", .string(let name)): if !isType(value, name) { faults.append("\(path) is no \(name)") }
            case ("type", .array(let names)):
                if !names.contains(where: { $0.string.map { isType(value, $0) } ?? false }) {
                    faults.append("\(path) is none of \(rule)")
                }
            case ("enum", .array(let words)): if !words.contains(value) { faults.append("\(path) is not in \(rule)") }
            case ("minimum", .int(let least)):
                if case .int(let number) = value, number < least { faults.append("\(path) is below \(least)") }
            case ("maximum", .int(let most)):
                if case .int(let number) = value, number > most { faults.append("\(path) is above \(most)") }
            case ("maxLength", .int(let most)):
                if let text = value.string, text.unicodeScalars.count > most { faults.append("\(path) is too long") }
            case ("oneOf", .array(let choices)):
                let fits = choices.filter { $0.object.map { self.faults(value, $0, path).isEmpty } ?? false }
                if fits.count != 1 { faults.append("\(path) fits \(fits.count) alternatives") }
            case ("pattern", .string(let pattern)):
                if let text = value.string, (try? Regex(pattern).firstMatch(in: text)) == nil {
                    faults.append("\(path) does not match \(pattern)")
                }
            case ("required", .array(let names)):
                for name in names.compactMap(\.string) where value.object?[name] == nil {
                    faults.append("\(path) has no \(name)")
                }
            case ("items", .object(let item)):
                if case .array(let items) = value { faults += items.flatMap { self.faults($0, item, path + "[]") } }
            case ("anyOf", .array(let choices)):
                let fits = choices.contains { $0.object.map { self.faults(value, $0, path).isEmpty } ?? false }
                if !fits { faults.append("\(path) fits no alternative") }
            default: faults.append("the keyword \(keyword) of the schema is not known here")
            }
        }
        guard let object = value.object else { return faults }
        let known = schema["properties"]?.object ?? JSONObject()
        for (name, member) in object {
            if let rule = known[name]?.object {
                faults += self.faults(member, rule, "\(path)/\(name)")
            } else if let rule = schema["additionalProperties"]?.object {
                faults += self.faults(member, rule, "\(path)/\(name)")
            } else if schema["additionalProperties"] == .bool(false) {
                faults.append("\(path) has the unknown member \(name)")
            }
        }
        return faults
    }

    private static func isType(_ value: JSONValue, _ name: String) -> Bool {
        switch (name, value) {
        case ("string", .string), ("boolean", .bool), ("null", .null), ("array", .array), ("object", .object),
            ("integer", .int), ("number", .int), ("number", .double):
            true
        default: false
        }
    }
}
