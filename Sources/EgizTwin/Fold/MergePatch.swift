/// Ditto's JSON merge patch (RFC 7396, but nulls that meet nothing are dropped on the way), in place.
enum MergePatch {
    /// Merges a patch that is not null into a value, and reports the leaves it writes.
    static func apply(
        _ patch: JSONValue, to target: inout JSONValue, at node: Int32, _ paths: PathTable,
        _ change: inout ChangeBuffer
    ) {
        guard case .object(let changes) = patch else {
            change.replaced(target, by: patch, at: node, paths)
            target = patch
            return
        }
        guard var object = target.takeObject() else {
            let made = strip(patch)
            change.replaced(target, by: made, at: node, paths)
            target = made
            return
        }
        var gone: [Int] = []
        for (index, member) in changes.members.enumerated() {
            let position = object.position(of: member.key, hint: index)
            if member.value.isNull {
                guard let position else { continue }
                change.removed(object.members[position].value, at: paths.child(of: node, member.key), paths)
                gone.append(position)
            } else if let position {
                apply(
                    member.value, to: &object.members[position].value, at: paths.child(of: node, member.key), paths,
                    &change)
            } else {
                let made = strip(member.value)
                change.replaced(nil, by: made, at: paths.child(of: node, member.key), paths)
                object.append(member.key, made)
            }
        }
        object.remove(at: gone)
        target = .object(object)
    }

    /// Without the null members of objects, at every depth through objects only.
    static func strip(_ value: JSONValue) -> JSONValue {
        guard case .object(var object) = value else { return value }
        var gone: [Int] = []
        for index in object.members.indices {
            switch object.members[index].value {
            case .null: gone.append(index)
            case .object:
                let inner = object.members[index].value
                object.members[index].value = strip(inner)
            case .bool, .int, .double, .string, .array: break
            }
        }
        object.remove(at: gone)
        return .object(object)
    }
}
