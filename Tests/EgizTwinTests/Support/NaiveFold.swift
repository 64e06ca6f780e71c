import EgizTwin

/// The fold as the specification's sentences have it, on whole documents, without any cleverness: what the twin is compared
/// with. Takes only valid events, of a thing that is alive.
enum NaiveFold {
    static func apply(_ action: String, _ path: [String], _ value: JSONValue, _ revision: Int64, to old: JSONObject)
        -> JSONObject?
    {
        var thing = old
        switch (action, path.isEmpty) {
        case ("deleted", true): return nil
        case ("created", true):
            thing = JSONObject()
            for name in ["thingId", "policyId", "definition", "attributes", "features"] {
                thing[name] = value.object?[name]
            }
        case ("modified", true):
            for name in ["definition", "attributes", "features"] {
                if let new = value.object?[name] {
                    thing[name] = new
                } else if name == "definition" || old[name] != .null {
                    thing[name] = nil
                }
            }
            if let policy = value.object?["policyId"] { thing["policyId"] = policy }
        case ("merged", _):
            var patch = value
            for key in path.reversed() { patch = .object(object([(key, patch)])) }
            thing = merge(patch, .object(thing)).object ?? JSONObject()
        case ("deleted", _):
            if path.count > 1 || old[path[0]] != .null || path[0] == "definition" {
                thing = remove(path[...], from: .object(thing)).object ?? JSONObject()
            }
        default:
            if vanishes(path, old) { break }
            thing = set(value, path[...], in: .object(thing)).object ?? JSONObject()
        }
        thing["_revision"] = .int(revision)
        return thing
    }

    static func object(_ members: [(String, JSONValue)]) -> JSONObject {
        var object = JSONObject()
        for (key, value) in members { object[key] = value }
        return object
    }

    private static func vanishes(_ path: [String], _ thing: JSONObject) -> Bool {
        guard path.count >= 3, path[0] == "features" else { return false }
        if thing["features"] == .null { return path.count > 3 }
        return thing["features"]?.object?[path[1]] == .null
    }

    private static func set(_ value: JSONValue, _ path: ArraySlice<String>, in target: JSONValue?) -> JSONValue {
        guard let key = path.first else { return value }
        var object = target?.object ?? JSONObject()
        object[key] = set(value, path.dropFirst(), in: object[key])
        return .object(object)
    }

    private static func remove(_ path: ArraySlice<String>, from target: JSONValue) -> JSONValue {
        guard let key = path.first, case .object(var object) = target, let inner = object[key] else { return target }
        object[key] = path.count == 1 ? nil : remove(path.dropFirst(), from: inner)
        return .object(object)
    }

    static func merge(_ patch: JSONValue, _ target: JSONValue?) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        guard case .object(let before) = target else { return strip(patch) }
        var result = before
        for (key, value) in changes {
            if value == .null {
                result[key] = nil
            } else if let old = before[key] {
                result[key] = merge(value, old)
            } else {
                result[key] = strip(value)
            }
        }
        return .object(result)
    }

    private static func strip(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value }
        var result = JSONObject()
        for (key, value) in object where value != .null { result[key] = strip(value) }
        return .object(result)
    }
}
