import EgizPostgres
import EgizTwin
import Foundation

/// Whether a value is as a schema of the document says: types, members, branches, formats and bounds, however deep.
extension OpenAPIContract {
    /// - Parameter isClosed: Members that the document does not name are faults, unless it says that there may be others. False: as
    ///   clients read a schema, to whom such members are nothing.
    func faults(_ value: JSONValue, _ schema: JSONValue, _ place: String, isClosed: Bool = true) -> [String] {
        guard let schema = resolve(schema) else { return ["\(place): a schema that is not there"] }
        if case .null = value { return isNullable(schema) ? [] : ["\(place) is null"] }
        if let type = schema["type"]?.string, !Self.is(value, type) {
            return ["\(place) is no \(type): \(value.text.prefix(80))"]
        }
        var faults = Self.faults(value, schema).map { "\(place) \($0): \(value.text.prefix(80))" }
        faults += branches(value, schema, place, isClosed: isClosed)
        // Each part by itself says nothing of the members of the others.
        for part in schema["allOf"]?.array ?? [] { faults += self.faults(value, part, place, isClosed: false) }
        if let items = schema["items"] {
            for (index, element) in (value.array ?? []).enumerated() {
                faults += self.faults(element, items, "\(place)/\(index)", isClosed: isClosed)
            }
        }
        guard let object = value.object, Self.shapes.contains(where: { schema[$0] != nil }) else { return faults }
        let (known, required, isOpen) = members(schema)
        for name in required where object[name] == nil { faults.append("\(place) lacks \(name)") }
        for (name, member) in object {
            if let rule = known[name] {
                faults += self.faults(member, rule, "\(place)/\(name)", isClosed: isClosed)
            } else if let rule = schema["additionalProperties"], rule.object != nil {
                faults += self.faults(member, rule, "\(place)/\(name)", isClosed: isClosed)
            } else if isClosed ? !isOpen : schema["additionalProperties"] == .bool(false) {
                faults.append("\(place) has the member \(name), which is not documented")
            }
        }
        return faults
    }

    /// Words that say something of the members of an object.
    private static let shapes = ["type", "properties", "allOf", "additionalProperties"]

    /// One of `oneOf` and no other, at least one of `anyOf`.
    private func branches(_ value: JSONValue, _ schema: JSONObject, _ place: String, isClosed: Bool) -> [String] {
        var faults: [String] = []
        for word in ["oneOf", "anyOf"] {
            guard let branches = schema[word]?.array else { continue }
            // Clients tell branches apart without knowing what else there is.
            let found = branches.map { self.faults(value, $0, place, isClosed: isClosed) }
            let fitting = branches.count { self.faults(value, $0, place, isClosed: false).isEmpty }
            if !found.contains(where: \.isEmpty) {
                faults += found.min { $0.count < $1.count } ?? []
            } else if word == "oneOf", fitting != 1 {
                faults.append("\(place) is \(fitting) of the \(word) at a time")
            }
        }
        return faults
    }

    private func isNullable(_ schema: JSONObject) -> Bool {
        if schema["nullable"] == .bool(true) { return true }
        if schema["type"] != nil { return false }
        if let parts = schema["allOf"]?.array { return parts.allSatisfy { resolve($0).map(isNullable) ?? false } }
        return schema["oneOf"] == nil && schema["anyOf"] == nil
    }

    /// The members that a schema and all it is made of name.
    func members(_ schema: JSONObject) -> (known: JSONObject, required: [String], isOpen: Bool) {
        var known = schema["properties"]?.object ?? JSONObject()
        var required = (schema["required"]?.array ?? []).compactMap(\.string)
        var isOpen = schema["additionalProperties"] == .bool(true)
        for part in (schema["allOf"]?.array ?? []).compactMap(resolve) {
            let inner = members(part)
            for (name, rule) in inner.known { known[name] = rule }
            required += inner.required
            isOpen = isOpen || inner.isOpen
        }
        return (known, required, isOpen)
    }

    private static func `is`(_ value: JSONValue, _ type: String) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("integer", .int),
            ("number", .int), ("number", .double):
            true
        case ("integer", .double(let number)): number == number.rounded()
        default: false
        }
    }

    // MARK: One value

    /// What of a value itself is not as its schema says.
    private static func faults(_ value: JSONValue, _ schema: JSONObject) -> [String] {
        var faults: [String] = []
        if let words = schema["enum"]?.array, !words.contains(value) { faults.append("is not in the enum") }
        func bound(_ least: String, _ most: String, _ found: Double?) {
            guard let found else { return }
            if let bound = schema[least].flatMap(number), found < bound { faults.append("is below \(least) \(bound)") }
            if let bound = schema[most].flatMap(number), found > bound { faults.append("is above \(most) \(bound)") }
        }
        bound("minimum", "maximum", number(value))
        bound("minLength", "maxLength", value.string.map { Double($0.unicodeScalars.count) })
        bound("minItems", "maxItems", value.array.map { Double($0.count) })
        if let format = schema["format"]?.string, !isFormat(format, value) { faults.append("is no \(format)") }
        if let pattern = schema["pattern"]?.string, let text = value.string,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            faults.append("does not match \(pattern)")
        }
        return faults
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// False also for formats that are not known here.
    private static func isFormat(_ format: String, _ value: JSONValue) -> Bool {
        switch (format, value) {
        // RFC 3339, in UTC.
        case ("date-time", .string(let text)):
            text.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z/#) != nil
                && (try? Timestamp(parsing: text)) != nil
        case ("uuid", .string(let text)): UUIDText(text)?.text == text
        case ("int32", .int(let number)): Int32(exactly: number) != nil
        case ("int64", .int), ("password", .string), ("binary", .string): true
        default: false
        }
    }
}
