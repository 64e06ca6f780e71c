import EgizTwin

/// The leaves of a document, found the naive way.
enum Leaves {
    /// By the bytes of the JSON pointer: as Strings, canonically equivalent paths would collide.
    static func of(_ document: JSONValue?) -> [[UInt8]: LeafValue] {
        var leaves: [[UInt8]: LeafValue] = [:]
        guard case .object(let thing) = document else { return leaves }
        for name in ["policyId", "definition", "attributes", "features"] {
            if let value = thing[name] { collect(value, [name], &leaves) }
        }
        return leaves
    }

    private static func collect(_ value: JSONValue, _ path: [String], _ leaves: inout [[UInt8]: LeafValue]) {
        let text = Array(JSONPointer(segments: path).text.utf8)
        switch value {
        case .null: leaves[text] = .null
        case .bool(let flag): leaves[text] = .boolean(flag)
        case .int(let integer): leaves[text] = .integer(integer)
        case .double(let double): leaves[text] = .number(double)
        case .string(let string): leaves[text] = .text(string)
        case .array: leaves[text] = .json(value.text)
        case .object(let object): for (key, member) in object { collect(member, path + [key], &leaves) }
        }
    }
}
