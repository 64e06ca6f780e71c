public import EgizTwin
import Foundation

/// As much of JSON Schema as the schemas of our messages use; an unknown keyword is a fault, so that none is passed over.
public struct JSONSchema {
    private let root: JSONObject
    private let name: String

    /// The schema of that name in `Schemas/`.
    public init(_ name: String) throws {
        let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Schemas/\(name)")
        let value = try JSONParser().parse([UInt8](Data(contentsOf: file)))
        root = value.object ?? JSONObject()
        self.name = name
    }

    /// What is wrong with a value, one sentence each; empty where it is as it should be.
    public func faults(_ value: JSONValue) -> [String] { faults(value, root, "") }

    private static let silent = [
        "$schema", "$id", "$defs", "title", "description", "format", "properties", "additionalProperties", "examples",
        "prefixItems",
    ]

    private func faults(_ value: JSONValue, _ schema: JSONObject, _ path: String) -> [String] {
        var faults: [String] = []
        for (keyword, rule) in schema where !Self.silent.contains(keyword) {
            faults += self.faults(value, keyword, rule, schema, path)
        }
        guard let object = value.object else { return faults }
        let known = schema["properties"]?.object ?? JSONObject()
        for (name, member) in object {
            if let rule = known[name]?.object {
                faults += self.faults(member, rule, "\(path)/\(name)")
            } else if schema["additionalProperties"] == .bool(false) {
                faults.append("\(path) has the unknown member \(name)")
            } else if let rule = schema["additionalProperties"]?.object {
                faults += self.faults(member, rule, "\(path)/\(name)")
            }
        }
        return faults
    }

    private func faults(
        _ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ schema: JSONObject, _ path: String
    ) -> [String] {
        switch (keyword, rule) {
        case ("$ref", .string(let reference)): return follow(reference, value, path)
        case ("type", .string(let name)): return Self.isType(value, name) ? [] : ["\(path) is no \(name)"]
        case ("type", .array(let names)):
            return names.contains { $0.string.map { Self.isType(value, $0) } ?? false }
                ? [] : ["\(path) is none of \(rule)"]
        case ("enum", .array(let words)): return words.contains(value) ? [] : ["\(path) is not in \(rule)"]
        case ("const", _): return value == rule ? [] : ["\(path) is not \(rule)"]
        case ("minimum", .int(let least)):
            return Self.number(value).map { $0 >= Double(least) } ?? true ? [] : ["\(path) is below \(least)"]
        case ("maximum", .int(let most)):
            return Self.number(value).map { $0 <= Double(most) } ?? true ? [] : ["\(path) is above \(most)"]
        case ("minLength", .int(let least)):
            return value.string.map { $0.count >= least } ?? true ? [] : ["\(path) is too short"]
        case ("maxLength", .int(let most)):
            return value.string.map { $0.count <= most } ?? true ? [] : ["\(path) is too long"]
        case ("pattern", .string(let pattern)):
            guard let text = value.string, (try? Regex(pattern).firstMatch(in: text)) == nil else { return [] }
            return ["\(path) does not match \(pattern)"]
        case ("required", .array(let names)):
            guard let object = value.object else { return [] }
            return names.compactMap(\.string).filter { object[$0] == nil }.map { "\(path) has no \($0)" }
        case ("items", _), ("minItems", _): return items(value, keyword, rule, schema, path)
        case ("propertyNames", .object(let names)):
            return (value.object ?? JSONObject()).flatMap { faults(.string($0.key), names, "\(path)/\($0.key)") }
        case ("maxProperties", .int(let most)):
            return (value.object?.count ?? 0) <= most ? [] : ["\(path) has too many members"]
        case ("anyOf", .array(let choices)):
            return fitting(value, choices, path) > 0 ? [] : ["\(path) fits no alternative"]
        case ("oneOf", .array(let choices)):
            return fitting(value, choices, path) == 1 ? [] : ["\(path) fits not one alternative"]
        case ("not", .object(let other)):
            return faults(value, other, path).isEmpty ? ["\(path) is what it must not be"] : []
        default: return ["the keyword \(keyword) of the schema is not known here"]
        }
    }

    private func fitting(_ value: JSONValue, _ choices: [JSONValue], _ path: String) -> Int {
        choices.count { $0.object.map { faults(value, $0, path).isEmpty } ?? false }
    }

    private func items(
        _ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ schema: JSONObject, _ path: String
    ) -> [String] {
        guard case .array(let items) = value else { return [] }
        if keyword == "minItems", case .int(let least) = rule {
            return items.count >= least ? [] : ["\(path) has too few items"]
        }
        var first: [JSONValue] = []
        if case .array(let rules)? = schema["prefixItems"] { first = rules }
        var faults = zip(items, first).flatMap { self.faults($0, $1.object ?? JSONObject(), path + "[]") }
        let rest = items.dropFirst(first.count)
        if rule == .bool(false), !rest.isEmpty { faults.append("\(path) has too many items") }
        if let rule = rule.object { faults += rest.flatMap { self.faults($0, rule, path + "[]") } }
        return faults
    }

    /// `#/$defs/name`, or the same of another file.
    private func follow(_ reference: String, _ value: JSONValue, _ path: String) -> [String] {
        let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let file = parts[0].isEmpty ? name : parts[0]
        let key = parts.count > 1 ? parts[1].split(separator: "/").last.map(String.init) : nil
        guard let schema = file == name ? self : try? JSONSchema(file) else { return ["there is no schema \(file)"] }
        guard let key else { return schema.faults(value) }
        guard let rule = schema.root["$defs"]?.object?[key]?.object else { return ["\(file) has no definition \(key)"] }
        return schema.faults(value, rule, path)
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    private static func isType(_ value: JSONValue, _ name: String) -> Bool {
        switch (value, name) {
        case (.object, "object"), (.array, "array"), (.string, "string"), (.bool, "boolean"), (.null, "null"): true
        case (.int, "integer"), (.int, "number"), (.double, "number"): true
        default: false
        }
    }
}
