/// Compiles a JSON Schema.
struct SchemaReader {
    private static let silent: Set<String> = [
        "$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated", "readOnly",
        "writeOnly", "$defs", "definitions", "unit",
    ]

    private let root: JSONValue
    private var nodes: [SchemaNode] = []
    /// Where each stands.
    private var names: [String] = []
    /// Schemas that were begun, by their place: what refers to one before it is read finds its number.
    private var places: [String: Int] = [:]
    /// What references name and is still to be read.
    private var waiting: [(pointer: JSONPointer, place: String)] = []

    init(root: JSONValue) { self.root = root }

    mutating func read() throws(ValueSchema.Fault) -> [SchemaNode] {
        _ = try schema(root, at: "", depth: 0)
        while let next = waiting.popLast() {
            guard let number = places["#" + next.pointer.text] else { continue }
            guard let value = root.value(at: next.pointer.segments) else {
                throw fault(next.place, "`$ref` names #\(next.pointer.text), which the schema does not have")
            }
            try fill(number, value, at: next.pointer.text, depth: 0)
        }
        try checkCircles()
        return nodes
    }

    /// A schema that leads back to itself without a step into the value is held to for ever: nothing would fit it.
    private func checkCircles() throws(ValueSchema.Fault) {
        var isDone = [Bool](repeating: false, count: nodes.count)
        var isOpen = isDone
        for start in nodes.indices where !isDone[start] {
            var path = [(node: start, next: nodes[start].ofTheSameValue)]
            isOpen[start] = true
            while let (node, next) = path.last {
                guard let follower = next.last else {
                    (isOpen[node], isDone[node]) = (false, true)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next.removeLast()
                guard !isOpen[follower] else {
                    throw fault(
                        names[node] + (nodes[node].reference == follower ? "/$ref" : ""),
                        "it leads back to itself without a step into the value")
                }
                guard !isDone[follower] else { continue }
                isOpen[follower] = true
                path.append((follower, nodes[follower].ofTheSameValue))
            }
        }
    }

    private func fault(_ place: String, _ message: String) -> ValueSchema.Fault {
        ValueSchema.Fault(place: place, message: message)
    }

    private mutating func make(_ place: String) throws(ValueSchema.Fault) -> Int {
        guard nodes.count < ValueSchema.mostNodes else {
            throw fault(place, "the schema has more than \(ValueSchema.mostNodes) parts")
        }
        nodes.append(SchemaNode())
        names.append(place)
        return nodes.count - 1
    }

    private mutating func schema(_ value: JSONValue, at place: String, depth: Int) throws(ValueSchema.Fault) -> Int {
        let number = try make(place)
        if place.isEmpty { places["#"] = number }
        try fill(number, value, at: place, depth: depth)
        return number
    }

    private mutating func fill(_ number: Int, _ value: JSONValue, at place: String, depth: Int)
        throws(ValueSchema.Fault)
    {
        guard depth <= ValueSchema.deepest else { throw fault(place, "the schema goes too deep") }
        var node = SchemaNode()
        switch value {
        case .bool(let flag): node.isNever = !flag
        case .object(let object):
            for (keyword, rule) in object where !Self.silent.contains(keyword) {
                try read(keyword, rule, place + JSONPointer(segments: [keyword]).text, depth, object, &node)
            }
        default: throw fault(place, "a schema is an object, true or false")
        }
        nodes[number] = node
        names[number] = place
    }

    private mutating func read(
        _ keyword: String, _ rule: JSONValue, _ place: String, _ depth: Int, _ object: JSONObject,
        _ node: inout SchemaNode
    ) throws(ValueSchema.Fault) {
        switch keyword {
        case "type": node.kinds = try kinds(rule, place)
        case "enum":
            guard case .array(let values) = rule, !values.isEmpty else {
                throw fault(place, "it must be a list of values")
            }
            node.values = values
        case "const": node.values = [rule]
        case "minimum": node.minimum = try number(rule, place)
        case "maximum": node.maximum = try number(rule, place)
        case "exclusiveMinimum": node.above = try number(rule, place)
        case "exclusiveMaximum": node.below = try number(rule, place)
        case "multipleOf":
            let factor = try number(rule, place)
            guard factor > 0 else { throw fault(place, "it must be above 0") }
            node.multipleOf = factor
        case "minLength", "maxLength": node.lengths = try range(object, "minLength", "maxLength", place)
        case "minItems", "maxItems": node.itemCounts = try range(object, "minItems", "maxItems", place)
        case "minProperties", "maxProperties":
            node.propertyCounts = try range(object, "minProperties", "maxProperties", place)
        case "pattern": node.pattern = try pattern(rule, place)
        case "required": node.required = try texts(rule, place)
        case "properties":
            guard let members = rule.object else { throw fault(place, "it must be an object of schemas") }
            for (name, value) in members {
                let inner = place + JSONPointer(segments: [name]).text
                node.properties.append((name, try schema(value, at: inner, depth: depth + 1)))
            }
        case "additionalProperties": node.otherProperties = try schema(rule, at: place, depth: depth + 1)
        case "propertyNames": node.propertyNames = try schema(rule, at: place, depth: depth + 1)
        case "items": node.items = try schema(rule, at: place, depth: depth + 1)
        case "prefixItems": node.firstItems = try schemas(rule, place, depth)
        case "uniqueItems":
            guard case .bool(let flag) = rule else { throw fault(place, "it must be true or false") }
            node.hasUniqueItems = flag
        case "allOf": node.allOf = try schemas(rule, place, depth)
        case "anyOf": node.anyOf = try schemas(rule, place, depth)
        case "oneOf": node.oneOf = try schemas(rule, place, depth)
        case "not": node.notOf = try schema(rule, at: place, depth: depth + 1)
        case "$ref": node.reference = try reference(rule, place)
        default: throw fault(place, "the keyword `\(keyword)` is not known here")
        }
    }

    // MARK: Parts

    private func kinds(_ rule: JSONValue, _ place: String) throws(ValueSchema.Fault) -> SchemaNode.Kinds {
        let names: [String?] =
            if case .array(let elements) = rule { elements.map(\.string) } else { [rule.string] }
        var kinds: SchemaNode.Kinds = []
        for name in names {
            guard let known = SchemaNode.Kinds.all.first(where: { $0.name == name }) else {
                throw fault(
                    place,
                    "it must be of \(SchemaNode.Kinds.all.map(\.name).joined(separator: ", ")), or a list of them")
            }
            kinds.insert(known.kind)
        }
        return kinds
    }

    private func number(_ rule: JSONValue, _ place: String) throws(ValueSchema.Fault) -> Double {
        switch rule {
        case .int(let number): return Double(number)
        case .double(let number): return number
        default: throw fault(place, "it must be a number")
        }
    }

    private func range(_ object: JSONObject, _ low: String, _ high: String, _ place: String) throws(ValueSchema.Fault)
        -> ClosedRange<Int>
    {
        func bound(_ name: String, _ fallback: Int) throws(ValueSchema.Fault) -> Int {
            guard let value = object[name] else { return fallback }
            guard case .int(let number) = value, number >= 0 else {
                throw fault(place, "it must be a number from 0 on")
            }
            return Int(number)
        }
        let (least, most) = (try bound(low, 0), try bound(high, .max))
        guard least <= most else { throw fault(place, "\(low) is above \(high)") }
        return least...most
    }

    /// An expression that must be found somewhere in the text.
    private func pattern(_ rule: JSONValue, _ place: String) throws(ValueSchema.Fault) -> (
        text: String, regex: JavaRegex
    ) {
        guard let text = rule.string else { throw fault(place, "it must be a text") }
        do throws(JavaRegexError) {
            // By itself first: brackets must not close what is put around.
            _ = try JavaRegex(text)
            return (text, try JavaRegex("(?s:.*)(?:\(text))(?s:.*)"))
        } catch {
            throw fault(place, "it is no expression that is known here")
        }
    }

    private func texts(_ rule: JSONValue, _ place: String) throws(ValueSchema.Fault) -> [String] {
        guard case .array(let elements) = rule else { throw fault(place, "it must be a list of texts") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string else { throw fault(place, "it must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    private mutating func schemas(_ rule: JSONValue, _ place: String, _ depth: Int) throws(ValueSchema.Fault) -> [Int] {
        guard case .array(let elements) = rule, !elements.isEmpty else {
            throw fault(place, "it must be a list of schemas")
        }
        var numbers: [Int] = []
        for (index, element) in elements.enumerated() {
            numbers.append(try schema(element, at: "\(place)/\(index)", depth: depth + 1))
        }
        return numbers
    }

    /// `#`, `#/$defs/name`, or any other place of the same schema.
    private mutating func reference(_ rule: JSONValue, _ place: String) throws(ValueSchema.Fault) -> Int {
        guard let text = rule.string, text.utf8.first == UInt8(ascii: "#"),
            let pointer = try? JSONPointer(parsing: String(text.dropFirst()))
        else { throw fault(place, "it must name a place of this schema, such as #/$defs/name") }
        let key = "#" + pointer.text
        if let known = places[key] { return known }
        let number = try make(place)
        places[key] = number
        waiting.append((pointer, place))
        return number
    }
}

extension JSONValue {
    /// The value at a place; members of objects and, by their number, elements of arrays.
    func value(at path: [String]) -> JSONValue? {
        var value = self
        for segment in path {
            switch value {
            case .object(let object):
                guard let member = object[segment] else { return nil }
                value = member
            case .array(let elements):
                guard let index = Int(segment), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}
