/// One look at one value.
struct SchemaCheck {
    let nodes: [SchemaNode]
    private let most: Int
    private(set) var violations: [ValueSchema.Violation] = []
    private var budget = ValueSchema.mostSteps

    init(nodes: [SchemaNode], most: Int) {
        self.nodes = nodes
        self.most = max(1, most)
    }

    mutating func check(_ value: JSONValue, _ number: Int, place: [String], depth: Int) {
        guard violations.count < most else { return }
        budget -= 1
        guard depth <= ValueSchema.deepest, budget > 0 else {
            return refuse(place, "it is too deep or too large to be checked")
        }
        let node = nodes[number]
        if node.isNever { return refuse(place, "it may not be there") }
        if let reference = node.reference { check(value, reference, place: place, depth: depth + 1) }
        if let kinds = node.kinds, !Self.kind(of: value, fits: kinds) {
            let names = SchemaNode.Kinds.all.filter { kinds.contains($0.kind) }.map(\.name)
            return refuse(place, "it must be of type \(names.joined(separator: " or "))")
        }
        if let values = node.values, !values.contains(value) { refuse(place, "it is none of the allowed values") }
        switch value {
        case .int(let integer): check(Double(integer), node, place)
        case .double(let double): check(double, node, place)
        case .string(let text): check(text, node, place)
        case .array(let elements): check(elements, node, place, depth)
        case .object(let object): check(object, node, place, depth)
        case .null, .bool: break
        }
        combine(value, node, place, depth)
    }

    private mutating func refuse(_ place: [String], _ message: String) {
        guard violations.count < most else { return }
        violations.append(.init(place: JSONPointer(segments: place).text, message: message))
    }

    /// Whether the value fits, without telling why it does not.
    private mutating func fits(_ value: JSONValue, _ number: Int, _ place: [String], _ depth: Int) -> Bool {
        var inner = SchemaCheck(nodes: nodes, most: 1)
        inner.budget = budget
        inner.check(value, number, place: place, depth: depth + 1)
        budget = inner.budget
        return inner.violations.isEmpty
    }

    private static func kind(of value: JSONValue, fits kinds: SchemaNode.Kinds) -> Bool {
        switch value {
        case .object: kinds.contains(.object)
        case .array: kinds.contains(.array)
        case .string: kinds.contains(.string)
        case .int: kinds.contains(.number) || kinds.contains(.integer)
        case .double: kinds.contains(.number) || kinds.contains(.integer) && value.integral != nil
        case .bool: kinds.contains(.boolean)
        case .null: kinds.contains(.null)
        }
    }

    // MARK: Kinds

    /// As people write it: 100, not 100.0.
    private static func text(_ number: Double) -> String { Int64(exactly: number).map(String.init) ?? "\(number)" }

    private mutating func check(_ number: Double, _ node: SchemaNode, _ place: [String]) {
        if let minimum = node.minimum, number < minimum { refuse(place, "it must be at least \(Self.text(minimum))") }
        if let maximum = node.maximum, number > maximum { refuse(place, "it must be at most \(Self.text(maximum))") }
        if let above = node.above, number <= above { refuse(place, "it must be above \(Self.text(above))") }
        if let below = node.below, number >= below { refuse(place, "it must be below \(Self.text(below))") }
        if let factor = node.multipleOf {
            // 0.3 is a multiple of 0.1, whatever their doubles are.
            let times = number / factor
            if !(abs(times - times.rounded()) <= 1e-9 * max(1, abs(times))) {
                refuse(place, "it must be a multiple of \(factor)")
            }
        }
    }

    private mutating func check(_ text: String, _ node: SchemaNode, _ place: [String]) {
        if let lengths = node.lengths, !lengths.contains(text.unicodeScalars.count) {
            refuse(place, "it must have \(Self.words(lengths)) characters")
        }
        guard let pattern = node.pattern else { return }
        guard let isFound = try? pattern.regex.matches(text, budget: &budget) else {
            return refuse(place, "it takes too long to tell whether it matches \(pattern.text)")
        }
        if !isFound { refuse(place, "it does not match \(pattern.text)") }
    }

    private mutating func check(_ elements: [JSONValue], _ node: SchemaNode, _ place: [String], _ depth: Int) {
        if let counts = node.itemCounts, !counts.contains(elements.count) {
            refuse(place, "it must have \(Self.words(counts)) elements")
        }
        for (index, element) in elements.enumerated() {
            guard violations.count < most else { return }
            if index < node.firstItems.count {
                check(element, node.firstItems[index], place: place + ["\(index)"], depth: depth + 1)
            } else if let items = node.items {
                check(element, items, place: place + ["\(index)"], depth: depth + 1)
            }
        }
        guard node.hasUniqueItems else { return }
        budget -= elements.count * elements.count / 2
        guard budget > 0 else { return refuse(place, "it has too many elements to be compared") }
        for index in elements.indices where elements[..<index].contains(elements[index]) {
            return refuse(place, "it must have no element twice")
        }
    }

    private mutating func check(_ object: JSONObject, _ node: SchemaNode, _ place: [String], _ depth: Int) {
        if let counts = node.propertyCounts, !counts.contains(object.count) {
            refuse(place, "it must have \(Self.words(counts)) members")
        }
        for name in node.required where object[name] == nil { refuse(place, "it has no `\(name)`") }
        guard !node.properties.isEmpty || node.otherProperties != nil || node.propertyNames != nil else { return }
        for (name, member) in object {
            guard violations.count < most else { return }
            if let names = node.propertyNames {
                check(.string(name), names, place: place + [name], depth: depth + 1)
            }
            let known = node.properties.first { $0.name.utf8.elementsEqual(name.utf8) }?.schema
            if let schema = known ?? node.otherProperties {
                check(member, schema, place: place + [name], depth: depth + 1)
            }
        }
    }

    private mutating func combine(_ value: JSONValue, _ node: SchemaNode, _ place: [String], _ depth: Int) {
        for number in node.allOf { check(value, number, place: place, depth: depth + 1) }
        if !node.anyOf.isEmpty {
            var isFound = false
            for number in node.anyOf where !isFound { isFound = fits(value, number, place, depth) }
            if !isFound { refuse(place, "it fits none of the alternatives") }
        }
        if !node.oneOf.isEmpty {
            var found = 0
            for number in node.oneOf where fits(value, number, place, depth) { found += 1 }
            if found != 1 { refuse(place, "it fits \(found) of the alternatives, expected one") }
        }
        if let not = node.notOf, fits(value, not, place, depth) { refuse(place, "it is what it must not be") }
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}
