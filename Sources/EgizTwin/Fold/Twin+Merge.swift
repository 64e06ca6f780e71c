extension Twin {
    /// A merge without regular expressions; its result was checked with the patch, so it cannot fail.
    func merge(_ event: TwinEvent, _ path: EventPath, _ paths: PathTable, _ change: inout ChangeBuffer) {
        let patch = event.value ?? .null
        guard path.resource == .thing else {
            withSection(path) { Self.merge(patch, into: &$0, path, paths, &change) }
            return
        }
        guard case .object(let sections) = patch else { return }
        for member in sections.members {
            let node = paths.child(of: PathTable.root, member.key)
            switch member.key {
            case ThingState.Section.policyID: Self.merge(member.value, into: &state.policyID, node, paths, &change)
            case ThingState.Section.definition: Self.merge(member.value, into: &state.definition, node, paths, &change)
            case ThingState.Section.attributes: Self.merge(member.value, into: &state.attributes, node, paths, &change)
            case ThingState.Section.features: Self.merge(member.value, into: &state.features, node, paths, &change)
            case "_created":
                state.created = member.value.string.flatMap { try? Timestamp(parsing: $0) }
            default: break
            }
        }
    }

    /// Merges at a path of one segment or more into the section that holds it.
    private static func merge(
        _ patch: JSONValue, into section: inout JSONValue?, _ path: EventPath, _ paths: PathTable,
        _ change: inout ChangeBuffer
    ) {
        if path.segments.count == 1 {
            merge(patch, into: &section, path.node, paths, &change)
        } else if var target = section {
            section = nil
            merge(patch, into: &target, path, 1, paths, &change)
            section = target
        } else {
            let made = MergePatch.strip(nest(patch, path, from: 1))
            change.replaced(nil, by: made, at: path.nodes[1], paths)
            section = made
        }
    }

    private static func merge(
        _ patch: JSONValue, into section: inout JSONValue?, _ node: Int32, _ paths: PathTable,
        _ change: inout ChangeBuffer
    ) {
        if patch.isNull {
            if let old = section { change.removed(old, at: node, paths) }
            section = nil
        } else if var target = section {
            section = nil
            MergePatch.apply(patch, to: &target, at: node, paths, &change)
            section = target
        } else {
            let made = MergePatch.strip(patch)
            change.replaced(nil, by: made, at: node, paths)
            section = made
        }
    }

    /// `target` is the value above segment `level` of the path.
    private static func merge(
        _ patch: JSONValue, into target: inout JSONValue, _ path: EventPath, _ level: Int, _ paths: PathTable,
        _ change: inout ChangeBuffer
    ) {
        guard var object = target.takeObject() else {
            let made = MergePatch.strip(nest(patch, path, from: level))
            change.replaced(target, by: made, at: path.nodes[level], paths)
            target = made
            return
        }
        let isLast = level + 1 == path.segments.count
        if let position = object.position(of: path.segments[level], hint: path.hints[level]) {
            path.hints[level] = position
            if !isLast {
                merge(patch, into: &object.members[position].value, path, level + 1, paths, &change)
            } else if patch.isNull {
                change.removed(object.members[position].value, at: path.node, paths)
                object.remove(at: [position])
            } else {
                MergePatch.apply(patch, to: &object.members[position].value, at: path.node, paths, &change)
            }
        } else if !isLast || !patch.isNull {
            let made = MergePatch.strip(nest(patch, path, from: level + 1))
            change.replaced(nil, by: made, at: path.nodes[level + 1], paths)
            object.append(path.segments[level], made)
        }
        target = .object(object)
    }

    // MARK: With regular expressions

    /// Merges the whole thing aside, checks the result, and only then takes it over.
    func mergeWithExpressions(
        _ patch: JSONValue, _ path: EventPath, _ paths: PathTable, _ change: inout ChangeBuffer
    ) throws(ThingShape.Fault) {
        let wrapped = Self.nest(patch, path, from: 0)
        var target = JSONObject()
        target.append("thingId", .string(thing.text))
        if let policyID = state.policyID { target.append("policyId", policyID) }
        if let definition = state.definition { target.append("definition", definition) }
        if let attributes = state.attributes { target.append("attributes", attributes) }
        if let features = state.features { target.append("features", features) }
        if let created = state.created { target.append("_created", .string(created.canonicalText)) }
        var budget = MergeExpression.stepsOfAnEvent
        guard case .object(let merged) = try MergeExpression.merge(wrapped, into: .object(target), &budget) else {
            throw ThingShape.Fault(message: "the result is no thing")
        }
        guard let id = merged["thingId"]?.string, UTF8Text.equal(id, thing.text) else {
            throw ThingShape.Fault(message: "the result has lost its thingId")
        }
        let checked = try ThingShape.thing(merged)
        var next = ThingState(payload: checked)
        if let created = checked["_created"], !created.isNull {
            guard let time = created.string.flatMap({ try? Timestamp(parsing: $0) }) else {
                throw ThingShape.Fault(message: "_created is no instant")
            }
            next.created = time
        }
        next.metadata = state.metadata
        if case .object(let sections) = wrapped {
            MergeExpression.report(sections, from: sectionsObject(state), to: sectionsObject(next), paths, &change)
        }
        state = next
    }

    private func sectionsObject(_ state: ThingState) -> JSONObject {
        var object = JSONObject()
        if let policyID = state.policyID { object.append("policyId", policyID) }
        if let definition = state.definition { object.append("definition", definition) }
        if let attributes = state.attributes { object.append("attributes", attributes) }
        if let features = state.features { object.append("features", features) }
        return object
    }
}
