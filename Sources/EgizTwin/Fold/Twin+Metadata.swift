extension Twin {
    /// Folds the metadata of an event that was applied to a living thing, other than its creation.
    func foldMetadata(_ event: TwinEvent, _ path: EventPath) {
        if let metadata = event.metadata {
            if path.resource == .thing {
                state.metadata = .object(metadata)
            } else {
                Self.set(.object(metadata), at: path.segments[...], in: &state.metadata)
            }
        }
        guard state.metadata != nil else { return }
        switch event.action {
        case .deleted: Self.remove(at: path.segments[...], from: &state.metadata)
        case .merged:
            if let patch = event.value?.object {
                for member in patch.members where member.value.isNull {
                    Self.remove(at: (path.segments + [member.key])[...], from: &state.metadata)
                }
            } else if event.value?.isNull ?? true {
                Self.remove(at: path.segments[...], from: &state.metadata)
            }
        case .created, .modified:
            guard path.resource != .thing, path.resource != .featureDefinition else { return }
            let isEmpty = event.value?.object?.isEmpty ?? (event.value?.isNull ?? true)
            if isEmpty { Self.set(.object(JSONObject()), at: path.segments[...], in: &state.metadata) }
        case .migrated: break
        }
    }

    /// Sets a value, replacing what is no object on the way.
    private static func set(_ value: JSONValue, at segments: ArraySlice<String>, in target: inout JSONValue?) {
        guard let key = segments.first else {
            target = value
            return
        }
        var object = target?.object ?? JSONObject()
        target = nil
        var inner = object[key]
        set(value, at: segments.dropFirst(), in: &inner)
        object[key] = inner
        target = .object(object)
    }

    private static func remove(at segments: ArraySlice<String>, from target: inout JSONValue?) {
        guard let key = segments.first, var object = target?.object else { return }
        if segments.count == 1 {
            object.remove(key)
        } else {
            var inner = object[key]
            guard inner != nil else { return }
            remove(at: segments.dropFirst(), from: &inner)
            object[key] = inner
        }
        target = .object(object)
    }
}
