/// Ditto's extension of the merge patch: keys such as `{{ ~re~ }}` with value null remove all keys that the Java regular
/// expression matches as a whole.
enum MergeExpression {
    /// Steps that the expressions of one event may take altogether; about ten milliseconds.
    static let stepsOfAnEvent = 1_000_000

    /// Whether a key has the form of an expression.
    @inline(__always)
    static func isOne(_ key: String) -> Bool { key.utf8.first == UInt8(ascii: "{") && expression(in: key) != nil }

    /// What stands between the delimiters, nil for an ordinary key.
    static func expression(in key: String) -> String? {
        let bytes = Array(key.utf8)
        guard bytes.count >= 4, bytes.starts(with: "{{".utf8), bytes.suffix(2).elementsEqual("}}".utf8) else {
            return nil
        }
        var inner = bytes[2..<(bytes.count - 2)]
        // Java's trim: everything up to the space.
        while let first = inner.first, first <= 0x20 { inner.removeFirst() }
        while let last = inner.last, last <= 0x20 { inner.removeLast() }
        guard inner.count >= 2, let first = inner.first, first == inner.last,
            first == UInt8(ascii: "~") || first == UInt8(ascii: "/")
        else { return nil }
        return String(decoding: inner.dropFirst().dropLast(), as: UTF8.self)
    }

    /// Whether some object in the patch, through objects only, has an expression with value null.
    static func isUsed(in patch: JSONValue) -> Bool {
        guard case .object(let object) = patch else { return false }
        return object.members.contains { member in
            member.value.isNull ? isOne(member.key) : isUsed(in: member.value)
        }
    }

    /// The whole of Ditto's merge, without touching `target`.
    static func merge(
        _ patch: JSONValue, into target: JSONValue, _ budget: inout Int
    ) throws(ThingShape.Fault) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        guard case .object(let before) = target else { return MergePatch.strip(patch) }
        var result = before
        for member in changes.members {
            if member.value.isNull {
                result.remove(member.key)
            } else if let old = before[member.key] {
                result.set(member.key, try merge(member.value, into: old, &budget))
            } else {
                result.set(member.key, MergePatch.strip(member.value))
            }
        }
        for member in changes.members where member.value.isNull {
            guard let expression = expression(in: member.key) else { continue }
            let regex = try compile(expression, &budget)
            for old in before.members {
                guard try matches(regex, old.key, &budget) else { continue }
                if let again = changes[old.key] {
                    result.set(old.key, again)
                } else {
                    result.remove(old.key)
                }
            }
        }
        return .object(result)
    }

    private static func compile(
        _ expression: String, _ budget: inout Int
    ) throws(ThingShape.Fault) -> JavaRegex {
        do {
            let regex = try JavaRegex(expression)
            budget -= expression.utf8.count + regex.program.instructions.count
            return regex
        } catch {
            throw ThingShape.Fault(
                message: "the regular expression \"\(expression)\" does not compile: \(error.message)")
        }
    }

    private static func matches(
        _ regex: JavaRegex, _ key: String, _ budget: inout Int
    ) throws(ThingShape.Fault) -> Bool {
        do {
            return try regex.matches(key, budget: &budget)
        } catch {
            throw ThingShape.Fault(message: "a regular expression takes too many steps; simplify it")
        }
    }

    /// Reports the leaves that such a merge wrote or removed.
    static func report(
        _ patch: JSONObject, from old: JSONObject, to new: JSONObject, at node: Int32 = PathTable.root,
        _ paths: PathTable, _ change: inout ChangeBuffer
    ) {
        for member in patch.members {
            let before = old[member.key]
            let after = new[member.key]
            if before == nil, after == nil { continue }
            let child = paths.child(of: node, member.key)
            if case .object(let inner) = member.value, case .object(let x) = before, case .object(let y) = after {
                report(inner, from: x, to: y, at: child, paths, &change)
            } else {
                change.replaced(before, by: after, at: child, paths)
            }
        }
        for member in old.members where patch[member.key] == nil && new[member.key] == nil {
            change.removed(member.value, at: paths.child(of: node, member.key), paths)
        }
    }
}
