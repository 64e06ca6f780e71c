/// Gathers the leaves that an event writes. The owner clears it between events and keeps its capacity.
public struct ChangeBuffer {
    public var leaves: [LeafChange] = []
    /// Empty objects that came or went: they have no leaf that could say so.
    public var empties: [PathID] = []

    public init() {}

    public mutating func removeAll() {
        // Mostly there is one, and clearing an array costs more than taking that one out.
        if leaves.count == 1 { leaves.removeLast() } else if !leaves.isEmpty { leaves.removeAll(keepingCapacity: true) }
        if !empties.isEmpty { empties.removeAll(keepingCapacity: true) }
    }

    /// The value at `node` was `old` and is `new` now; nil is no value.
    mutating func replaced(_ old: JSONValue?, by new: JSONValue?, at node: Int32, _ paths: PathTable) {
        guard let new else {
            if let old { removed(old, at: node, paths) }
            return
        }
        if let leaf = LeafValue(new) {
            append(leaf, at: node, changed: old.map { $0 != new } ?? true)
            if case .object(let object) = old { removed(object, at: node, paths) }
            return
        }
        guard case .object(let object) = new else { return }
        guard case .object(let before) = old else {
            if old != nil { append(.absent, at: node, changed: true) }
            if object.isEmpty { empties.append(PathID(raw: node)) }
            for member in object.members {
                replaced(nil, by: member.value, at: paths.child(of: node, member.key), paths)
            }
            return
        }
        for (index, member) in object.members.enumerated() {
            let position = before.position(of: member.key, hint: index)
            replaced(
                position.map { before.members[$0].value }, by: member.value, at: paths.child(of: node, member.key),
                paths)
        }
        for member in before.members where object.position(of: member.key) == nil {
            removed(member.value, at: paths.child(of: node, member.key), paths)
        }
    }

    mutating func removed(_ old: JSONValue, at node: Int32, _ paths: PathTable) {
        guard case .object(let object) = old else { return append(.absent, at: node, changed: true) }
        removed(object, at: node, paths)
    }

    private mutating func removed(_ object: JSONObject, at node: Int32, _ paths: PathTable) {
        if object.isEmpty { empties.append(PathID(raw: node)) }
        for member in object.members { removed(member.value, at: paths.child(of: node, member.key), paths) }
    }

    @inline(__always)
    mutating func append(_ value: LeafValue, at node: Int32, changed: Bool) {
        leaves.append(LeafChange(path: PathID(raw: node), value: value, changed: changed))
    }
}
