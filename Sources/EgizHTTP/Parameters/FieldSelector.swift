import EgizTwin

/// Ditto's field selector: `thingId,attributes/location(lat,long),features/*/properties/temperature`.
///
/// A comma separates paths, parentheses share a prefix, `*` stands for every feature. Members keep the order of the
/// document; what the document does not have is left out.
struct FieldSelector: Equatable {
    private struct Node: Equatable {
        /// The path itself was named, so everything below it is selected.
        var whole = false
        var children: [(name: String, node: Node)] = []

        static func == (a: Node, b: Node) -> Bool {
            a.whole == b.whole && a.children.count == b.children.count
                && zip(a.children, b.children).allSatisfy {
                    $0.name.utf8.elementsEqual($1.name.utf8) && $0.node == $1.node
                }
        }

        mutating func insert(_ path: ArraySlice<String>) {
            guard let first = path.first else {
                whole = true
                return
            }
            let index = children.firstIndex { $0.name.utf8.elementsEqual(first.utf8) }
            if let index {
                children[index].node.insert(path.dropFirst())
            } else {
                var node = Node()
                node.insert(path.dropFirst())
                children.append((first, node))
            }
        }
    }

    private var root = Node()

    init(paths: [[String]]) {
        for path in paths { root.insert(path[...]) }
    }

    /// The selected part of a thing; an object, empty where nothing matched.
    func select(from thing: JSONValue) -> JSONValue {
        Self.select([root], from: thing, level: .thing) ?? .object(JSONObject())
    }

    /// Where in a thing a value lies: `*` means "any" among the features only, elsewhere it is a name.
    private enum Level { case thing, features, below }

    private static func select(_ nodes: [Node], from value: JSONValue, level: Level) -> JSONValue? {
        if nodes.contains(where: \.whole) { return value }
        guard case .object(let object) = value else { return nil }
        var result = JSONObject()
        for (key, member) in object {
            var matching: [Node] = []
            for child in nodes.lazy.flatMap(\.children) {
                if child.name.utf8.elementsEqual(key.utf8) || (level == .features && child.name == "*") {
                    matching.append(child.node)
                }
            }
            if matching.isEmpty { continue }
            let inside: Level = level == .thing && key.utf8.elementsEqual("features".utf8) ? .features : .below
            if let selected = select(matching, from: member, level: inside) { result[key] = selected }
        }
        return result.count == 0 ? nil : .object(result)
    }
}
