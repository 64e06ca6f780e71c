import EgizTwin

/// The `features` of a telemetry record, a merge: what it names is set, null removes.
struct TelemetryPatch {
    private(set) var features = JSONObject()

    var isEmpty: Bool { features.isEmpty }

    /// Sets a property, or removes it where the value is nil.
    ///
    /// - Parameter path: `features`, the feature, `properties`, and at least one name.
    mutating func write(_ value: JSONValue?, at path: [String]) {
        Self.set(value, at: path[1..<2] + path[3...], in: &features)
    }

    private static func set(_ value: JSONValue?, at path: ArraySlice<String>, in object: inout JSONObject) {
        guard let name = path.first else { return }
        let known = object[name]
        guard path.count > 1 else {
            // An object that took the place of a value in the same event stays.
            if value == nil, known?.object != nil { return }
            object[name] = value ?? .null
            return
        }
        // A value that took the place of an object has removed what was in it.
        if value == nil, known != nil, known?.object == nil { return }
        var inner = known?.object ?? JSONObject()
        set(value, at: path.dropFirst(), in: &inner)
        object[name] = .object(inner)
    }
}
