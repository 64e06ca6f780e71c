/// Writes a filter as a condition on `egiz.twin` (`twin`) and `egiz.twin_registration` (`registration`). Everything that a client says
/// becomes a parameter; the text has constants of ours alone.
///
/// Every part is true or false, never null: `not` of a comparison with what is missing is true, as in Ditto.
struct TwinFilterSQL {
    private(set) var parameters: [PostgresValue]

    /// `parameters` are those that the statement has already.
    init(after parameters: [PostgresValue]) { self.parameters = parameters }

    mutating func condition(_ filter: TwinFilter) -> String {
        switch filter {
        case .and(let parts): return joined(parts, "and")
        case .or(let parts): return joined(parts, "or")
        case .not(let part): return "not \(condition(part))"
        case .compare(let property, .notEqual, let value): return "not \(compare(property, "=", value))"
        case .compare(let property, let comparison, let value):
            return compare(property, Self.sign(comparison), value)
        case .among(let property, let values):
            return "(" + values.map { compare(property, "=", $0) }.joined(separator: " or ") + ")"
        case .like(let property, let pattern, let ignoresCase):
            return like(property, pattern, ignoresCase ? "ilike" : "like")
        case .exists(let property): return exists(property)
        }
    }

    private mutating func joined(_ parts: [TwinFilter], _ word: String) -> String {
        "(" + parts.map { condition($0) }.joined(separator: " \(word) ") + ")"
    }

    private mutating func parameter(_ value: PostgresValue) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    private static func sign(_ comparison: TwinFilter.Comparison) -> String {
        switch comparison {
        case .equal, .notEqual: "="
        case .greater: ">"
        case .atLeast: ">="
        case .less: "<"
        case .atMost: "<="
        }
    }

    // MARK: Columns

    /// The column of texts that a property is; nil: it is none.
    private static func textColumn(_ property: TwinFilter.Property) -> String? {
        switch property {
        case .thingID: "twin.thing_id"
        case .namespace: "twin.namespace"
        case .definition: "twin.definition"
        default: nil
        }
    }

    private mutating func compare(_ property: TwinFilter.Property, _ sign: String, _ value: TwinFilter.Value) -> String
    {
        if let column = Self.textColumn(property) {
            switch value {
            case .text(let text): return "coalesce(\(column) \(sign) \(parameter(.text(text))), false)"
            case .null: return sign == "=" ? "(\(column) is null)" : "false"
            case .bool, .number: return "false"
            }
        }
        switch property {
        case .type: return type(sign, value)
        case .revision:
            guard case .number(let number) = value else { return "false" }
            return "(twin.revision::float8 \(sign) \(parameter(.double(number))))"
        case .created, .modified:
            guard case .text(let text) = value else { return "false" }
            let column = property == .created ? "twin.created" : "twin.modified"
            return "coalesce(\(column) \(sign) \(parameter(.text(text)))::timestamptz, false)"
        case .document(let path): return document(path) { $0.compare($1, $2, sign, value) }
        case .metadata(let path): return compare("registration.metadata", path, sign, value, form: "jsonb")
        case .thingID, .namespace, .definition: return "false"
        }
    }

    private mutating func like(_ property: TwinFilter.Property, _ pattern: String, _ word: String) -> String {
        let pattern = Self.pattern(pattern)
        if let column = Self.textColumn(property) {
            // Capitals are what the database takes for them, here as in documents; "C" knows those of ASCII alone.
            let text = word == "ilike" ? "(\(column) collate \"default\")" : column
            return "coalesce(\(text) \(word) \(parameter(.text(pattern))), false)"
        }
        switch property {
        case .document(let path): return document(path) { $0.like($1, $2, pattern, word) }
        case .metadata(let path): return like("registration.metadata", path, pattern, word, form: "jsonb")
        default: return "false"
        }
    }

    private mutating func exists(_ property: TwinFilter.Property) -> String {
        switch property {
        case .thingID, .namespace, .revision: return "true"
        case .definition: return "(twin.definition is not null)"
        case .type: return "(coalesce(twin.definition, registration.twin_type) is not null)"
        case .created: return "(twin.created is not null)"
        case .modified: return "(twin.modified is not null)"
        case .document(let path): return document(path) { $0.exists($1, $2) }
        case .metadata(let path): return exists("registration.metadata", path)
        }
    }

    /// A type, or one that descends from it. The recursion ends where types stand in a circle, because rows are distinct.
    private mutating func type(_ sign: String, _ value: TwinFilter.Value) -> String {
        guard sign == "=", case .text(let text) = value else { return "false" }
        return """
            coalesce(coalesce(twin.definition, registration.twin_type) in (
                with recursive kind (name) as (
                    select \(parameter(.text(text))) collate "C"
                    union select child.twin_type from egiz.twin_type child join kind on child.parent = kind.name)
                select name from kind), false)
            """
    }

    // MARK: Documents

    /// `part` gets the JSON and the path below it. Documents with an escaped U+0000, which Postgres cannot take apart, are none that a
    /// value is found in.
    private mutating func document(
        _ path: [String], _ part: (inout TwinFilterSQL, String, [String]) -> String
    ) -> String {
        // A reversed stroke before it, or any odd number of them: `\\u0000` are harmless letters.
        let readable = #"""
            (position('\u0000' in twin.document::text) = 0 or twin.document::text !~ '(?<!\\)(?:\\\\)*\\u0000')
            """#
        guard path.count >= 2, path[0] == "features", path[1] == "*" else {
            return "(case when \(readable) then \(part(&self, "twin.document", path)) else false end)"
        }
        let inner = part(&self, "feature.value", Array(path.dropFirst(2)))
        return """
            (case when \(readable) then exists (
                select from json_each(case json_typeof(twin.document -> 'features') when 'object'
                    then twin.document -> 'features' end) as feature where \(inner)) else false end)
            """
    }

    /// A number is compared with numbers only, a text with texts: what is of another kind matches nothing. Texts are compared by
    /// their bytes.
    private mutating func compare(
        _ json: String, _ path: [String], _ sign: String, _ value: TwinFilter.Value, form: String = "json"
    ) -> String {
        let place = parameter(.textArray(path))
        let kind = "\(form)_typeof(\(json) #> \(place))"
        let text = "(\(json) #>> \(place))"
        switch value {
        case .null: return sign == "=" ? "(coalesce(\(kind), 'null') = 'null')" : "false"
        case .bool(let flag):
            guard sign == "=" else { return "false" }
            return "(case \(kind) when 'boolean' then \(text) = '\(flag)' else false end)"
        case .number(let number):
            return
                "(case \(kind) when 'number' then \(text)::float8 \(sign) \(parameter(.double(number))) else false end)"
        case .text(let value):
            return """
                (case \(kind) when 'string' then \(text) collate "C" \(sign) \(parameter(.text(value))) else false end)
                """
        }
    }

    private mutating func like(
        _ json: String, _ path: [String], _ pattern: String, _ word: String, form: String = "json"
    ) -> String {
        let place = parameter(.textArray(path))
        return """
            (case \(form)_typeof(\(json) #> \(place)) when 'string'
                then (\(json) #>> \(place)) \(word) \(parameter(.text(pattern))) else false end)
            """
    }

    private mutating func exists(_ json: String, _ path: [String]) -> String {
        "((\(json) #> \(parameter(.textArray(path)))) is not null)"
    }

    /// As SQL has patterns.
    static func pattern(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "*": result.append("%")
            case "?": result.append("_")
            case "%", "_", "\\":
                result.append("\\")
                result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
