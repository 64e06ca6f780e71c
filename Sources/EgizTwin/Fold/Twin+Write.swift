extension Twin {
    /// `created` and `modified` below the thing: sets the value, making the parents it needs.
    @inline(__always)
    func write(_ value: consuming JSONValue, _ path: EventPath, _ paths: PathTable, _ change: inout ChangeBuffer) {
        if vanishes(path) { return }
        let value = value
        withSection(path) { section in
            if var target = section {
                section = nil
                Self.write(value, into: &target, path, 1, paths, &change)
                section = target
            } else {
                let made = Self.nest(value, path, from: 1)
                change.replaced(nil, by: made, at: path.nodes[1], paths)
                section = made
            }
        }
    }

    /// Quirks: nulls stored for containers swallow some writes below them.
    @inline(__always)
    private func vanishes(_ path: EventPath) -> Bool {
        switch path.resource {
        case .featureDefinition, .properties, .property: break
        case .thing, .policyID, .definition, .attributes, .attribute, .features, .feature: return false
        }
        switch state.features {
        case .null: return path.resource == .property
        case .object(let features):
            guard let position = features.position(of: path.segments[1], hint: path.hints[1]) else { return false }
            return features.members[position].value.isNull
        case .bool, .int, .double, .string, .array, nil: return false
        }
    }

    private static func write(
        _ value: consuming JSONValue, into target: inout JSONValue, _ path: EventPath, _ level: Int, _ paths: PathTable,
        _ change: inout ChangeBuffer
    ) {
        if level == path.segments.count {
            change.replaced(target, by: value, at: path.node, paths)
            target = value
            return
        }
        guard var object = target.takeObject() else {
            let made = nest(value, path, from: level)
            change.replaced(target, by: made, at: path.nodes[level], paths)
            target = made
            return
        }
        if let position = object.position(of: path.segments[level], hint: path.hints[level]) {
            path.hints[level] = position
            write(value, into: &object.members[position].value, path, level + 1, paths, &change)
        } else {
            let made = nest(value, path, from: level + 1)
            change.replaced(nil, by: made, at: path.nodes[level + 1], paths)
            object.append(path.segments[level], made)
        }
        target = .object(object)
    }

    /// The value, wrapped into an object for each segment from `level` on.
    static func nest(_ value: JSONValue, _ path: EventPath, from level: Int) -> JSONValue {
        var result = value
        var index = path.segments.count
        while index > level {
            index -= 1
            var object = JSONObject()
            object.append(path.segments[index], result)
            result = .object(object)
        }
        return result
    }

    /// `deleted` below the thing: emptied parents stay.
    func remove(_ path: EventPath, _ paths: PathTable, _ change: inout ChangeBuffer) {
        withSection(path) { section in
            guard var target = section else { return }
            if path.segments.count == 1 {
                // Quirk: a null that is stored for all attributes or features is not deleted.
                if target.isNull, path.resource != .definition { return }
                change.removed(target, at: path.node, paths)
                section = nil
                return
            }
            section = nil
            Self.remove(from: &target, path, 1, paths, &change)
            section = target
        }
    }

    private static func remove(
        from target: inout JSONValue, _ path: EventPath, _ level: Int, _ paths: PathTable, _ change: inout ChangeBuffer
    ) {
        guard var object = target.takeObject() else { return }
        if let position = object.position(of: path.segments[level], hint: path.hints[level]) {
            if level + 1 == path.segments.count {
                change.removed(object.members[position].value, at: path.node, paths)
                object.remove(at: [position])
            } else {
                remove(from: &object.members[position].value, path, level + 1, paths, &change)
            }
        }
        target = .object(object)
    }
}
