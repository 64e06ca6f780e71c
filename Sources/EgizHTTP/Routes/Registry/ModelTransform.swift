import EgizTwin

/// How a 3D model stands in its scene: `translation`, `rotation` (a quaternion x, y, z, w) and `scale`, as a node of glTF has them.
enum ModelTransform {
    private static let members = [("translation", 3), ("rotation", 4), ("scale", 3)]

    /// `name` of a body, with every fault noted; nil where it is not there.
    static func read(_ name: String, _ body: inout BodyReader) -> JSONObject? {
        body.object(name, known: members.map(\.0)) { inner in
            var transform = JSONObject()
            for (member, count) in members {
                guard let value = inner.value(member) else { continue }
                if isList(value, of: count) {
                    transform[member] = value
                } else {
                    inner.refuse(member, "\(member) must be an array of \(count) numbers.")
                }
            }
            return transform
        }
    }

    private static func isList(_ value: JSONValue, of count: Int) -> Bool {
        guard case .array(let numbers) = value, numbers.count == count else { return false }
        return numbers.allSatisfy { number in
            switch number {
            case .int, .double: true
            default: false
            }
        }
    }
}
